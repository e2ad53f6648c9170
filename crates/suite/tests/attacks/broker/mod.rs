//! Attacks through the outside door of the broker.

pub(crate) mod answers;
pub(crate) mod chargers;
pub(crate) mod commands;
pub(crate) mod floods;
mod left;
pub(crate) mod logins;
pub(crate) mod placas;
pub(crate) mod presence;
