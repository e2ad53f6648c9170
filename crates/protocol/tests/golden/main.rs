//! The wire as golden JSON: messages as they are written and read, and how wrong ones are refused.

mod asyncapi;
mod codigos;
mod events;
mod fields;
mod listings;
mod messages;
mod names;
mod numbers;
mod payloads;
mod properties;
mod replies;
mod support;
mod syntax;
mod times;
