//! The whole system from outside (the real programs, a real broker, HTTP and plain MQTT), and the
//! layers of its source.
//!
//! With `SUITE_BROKER=mosquitto` the broker is Mosquitto; with `mosquitto-logins` or `mosquitto-tls`
//! one where everyone logs in, over TLS or not; without, the embedded one.

mod access;
mod documents;
mod events;
#[path = "../harness/mod.rs"]
mod harness;
mod http;
mod listings;
mod messages;
mod operation;
mod pages;
mod reservas;
mod source;
mod stand_in;
mod traces;
