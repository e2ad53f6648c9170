//! A gateway without a broker: its HTTP API through real sockets, its configuration, its
//! documentation. And its request/reply (`calls`, `load`) over a real Mosquitto, ignored by default:
//! `cargo test -p client -- --include-ignored` runs them. The rest is tested in the suite.

#![allow(clippy::unwrap_used, reason = "also in the helpers of tests, a panic is the failure")]

#[path = "../../../bus/tests/it/support/mod.rs"]
#[expect(dead_code, reason = "the tests of the bus need more of it")]
mod bus_support;
mod calls;
mod config;
mod doctor;
mod http;
mod load;
mod openapi;
mod pages;
mod pages_files;
mod programs;
mod running;
// A measurement of an unoptimised build says nothing, and takes long.
#[cfg(not(debug_assertions))]
mod speed;
mod validation;
