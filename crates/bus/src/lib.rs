//! How it travels: one program's connection to the broker, its presence, and request/reply.
//!
//! This is the one crate that knows the MQTT library, of which it uses what reads and writes
//! packets: who sends and acknowledges what, and when, is decided here. It promises three things:
//!
//! * [`Bus::publish`] never waits. A message is kept until the broker has it or its time is
//!   up, through any number of reconnections; when too many wait, the caller is told.
//! * A [`Delivery`] is acknowledged when its work is done, not when it arrives, so that a
//!   crash in between has the broker deliver it again.
//! * [`Requester::call`] answers within its deadline, with the reply or with the reason why not.
//!
//! Messages may arrive twice (QoS 1): whoever handles one recognises a repeat by its
//! `request_id`.
//!
//! How the parts hang together:
//!
//! ```text
//! Requester ── publish ──▶ Outbox ──▶ ┌────────────┐
//!     ▲                               │ Connection │ ◀──▶ broker   one per generation,
//!     └ deliver ◀── Delivery queue ◀─ │ (one task) │               started by the Supervisor
//!                   Ack ──▶ AckQueue ▶└────────────┘
//! ```

mod acks;
mod backoff;
mod bus;
mod connection;
mod counters;
mod directory;
mod error;
mod expiry_mark;
mod flight;
mod herald;
mod inbox;
mod link;
mod message;
mod options;
mod outbox;
mod pulse;
mod requester;
mod settings;
mod supervisor;
mod sync;
mod takeover;

pub use acks::{Ack, AckAfter};
pub use bus::{Bus, connect};
pub use counters::Counters;
pub use directory::{Change, Directory};
pub use error::{BusError, CallError};
pub use link::Link;
pub use message::{Delivery, Join, Outgoing};
pub use options::{Options, Payload, Presence};
pub use requester::{Call, Requester};
