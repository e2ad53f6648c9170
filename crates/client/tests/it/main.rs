//! Everything of a gateway that needs no broker: its HTTP API through real sockets, its
//! configuration, its documentation. What it does with a broker is tested in the suite.

mod config;
mod http;
mod openapi;
mod running;
mod validation;
