//! What a servidor counts.

mod backups;
mod commands;
mod store;

pub(crate) use backups::look_for_backups;
pub(crate) use commands::CommandMetrics;
pub(crate) use store::{ENDS, Recorded, StateLabel, StatusLabel, StoreMetrics};
