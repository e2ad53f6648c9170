//! The bus against a real Mosquitto, which each test starts and stops for itself.
//!
//! Where there is no `mosquitto` these tests are ignored, and say so:
//! `cargo test -p bus -- --include-ignored` runs them. The tests in `wire` play the broker
//! themselves and need none.

#![allow(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the failure")]

mod calls;
mod closing;
mod load;
mod messages;
mod presence;
// A measurement of an unoptimised build tells nothing, and takes its time.
#[cfg(not(debug_assertions))]
mod speed;
mod support;
mod takeover;
mod wire;
