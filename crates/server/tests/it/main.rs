//! Everything of a servidor but the broker: its store on real files, its HTTP API through real
//! sockets, its configuration.

mod store;
mod store_concurrency;
mod support;
