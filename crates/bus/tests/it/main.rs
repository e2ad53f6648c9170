//! The bus against a real Mosquitto, which each test starts and stops for itself.
//!
//! These tests are ignored by default: `cargo test -p bus -- --include-ignored` runs them. The
//! tests in `wire`, `poison`, `peers` and `traces`, and some in `on_demand`, are their own broker and need no Mosquitto.

#![allow(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the failure")]

mod certificates;
mod closing;
mod fake_broker;
mod log_size;
mod login;
mod lost_connections;
mod messages;
mod on_demand;
mod peers;
mod poison;
mod presence;
mod refusals;
// A measurement of an unoptimised build says nothing, and takes long.
#[cfg(not(debug_assertions))]
mod speed;
mod support;
mod takeover;
mod tls;
mod traces;
mod trial;
mod wire;
