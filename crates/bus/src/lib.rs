//! One program's connection to the broker: messages in both directions, and presence.
//!
//! This is the only crate that knows the MQTT library. The library reads and writes packets;
//! what is sent and acknowledged, and when, is decided here. The crate promises two things:
//!
//! * [`Bus::publish`] never waits. A message is kept until the broker has it or it expires,
//!   across any number of reconnections. When too many are waiting, the caller gets an error.
//! * A [`Delivery`] is acknowledged when its work is done, not when it arrives. After a crash in
//!   between, the broker delivers it again.
//!
//! A message that the broker will never take is given up and handed back ([`OnRefused`]): one that
//! it refuses, and one that ends connection after connection.
//!
//! Messages may arrive twice (QoS 1): the receiver recognises a repeat by its `request_id`.
//!
//! ```text
//! Bus::publish ─────────▶ Outbox ───▶ ┌────────────┐
//!                                     │ Connection │ ◀──▶ broker   one after the other,
//! Receiver<Delivery> ◀── Inbox ◀───── │ (one task) │               started by the supervisor
//! Ack::done ────────────▶ AckQueue ─▶ └────────────┘
//! ```

#[cfg(not(target_os = "linux"))]
compile_error!("this system runs on Linux; elsewhere use Docker, or WSL 2 (README.md)");

mod acks;
mod bus;
mod certificates;
mod clock;
mod connection;
mod counters;
mod credentials;
mod finding;
mod given_up;
mod log_limit;
mod message;
mod metrics;
mod on_demand;
mod options;
mod outbox;
mod presence;
mod reason_code;
mod stall_detector;
mod state;
mod supervisor;
mod takeover;
mod trace;
mod trial;

pub use acks::{Ack, AckAfter, SentAck};
pub use bus::{Bus, connect};
pub use counters::Counters;
pub use credentials::{Authorities, ClientCertificate, Credentials, CredentialsError, Password};
pub use finding::{Finding, Severity};
pub use message::{BusError, Delivery, Join, OnRefused, Outgoing, Refusal};
pub use on_demand::{Received, Subscription};
pub use options::{MakePresence, Options, Presence};
pub use reason_code::ReasonCode;
pub use state::Link;
pub use trace::{ArrivedTraces, MessageTrace};
pub use trial::{Trial, TrialReport, run_trial, run_trial_blocking};

/// U+FEFF in UTF-8, with which Windows programs begin texts.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
