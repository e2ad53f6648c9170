//! Traces of requests.

mod collector;
pub(crate) mod request;
mod sampling;
