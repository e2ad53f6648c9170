//! What a servidor counts.

mod commands;
mod store;

pub(crate) use commands::CommandMetrics;
pub(crate) use store::{Recorded, StateLabel, StatusLabel, StoreMetrics};
