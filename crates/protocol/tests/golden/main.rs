//! The wire, as golden JSON: what is written, what is read back, what is refused and how.

mod codigos;
mod fields;
mod messages;
mod payloads;
mod properties;
mod replies;
mod support;
mod times;
