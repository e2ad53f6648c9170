//! The source itself: which file may use which.

mod circles;
mod layers;
pub(crate) mod sources;
