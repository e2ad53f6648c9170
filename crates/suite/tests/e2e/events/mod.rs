//! Events over HTTP.

mod servidor;
mod stand_in;
mod states;
mod streams;
