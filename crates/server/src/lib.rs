//! One operator's servidor: its postos and reservas, an admin API over HTTP, and the handlers
//! of what reaches it over the broker.

mod admin;
mod announce;
mod config;
mod failpoints;
mod failure;
mod handlers;
mod import;
mod program;
mod servidor;
mod start;
pub mod store;
mod wire;

pub use admin::openapi;
pub use config::{Config, PostosCsv};
pub use import::{ImportError, read_postos};
pub use program::main;
pub use start::{Server, StartError};
pub use store::DatabaseUrl;
