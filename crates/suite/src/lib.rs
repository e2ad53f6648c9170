//! The whole system in one process: a broker, two servidores, two gateways.
//!
//! For trying the system out (`cargo run --release`), and for the end-to-end tests, which use the
//! embedded broker by default. In production each program runs alone.

mod broker;
mod options;
mod probe;
mod run;
mod screen;
mod settings;
mod system;
mod system_error;
mod websocket;

pub use broker::{Broker, BrokerError};
pub use options::Options;
pub use run::run;
pub use screen::Screen;
pub use system::System;
pub use system_error::SystemError;
pub use websocket::{Admits, WebSockets, admits_own_pages};
