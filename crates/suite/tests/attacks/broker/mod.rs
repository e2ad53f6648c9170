//! Attacks through the outside door of the broker.

pub(crate) mod answers;
pub(crate) mod chargers;
pub(crate) mod presence;
