//! What an operator of the programs meets: starts, stops, faults, logs, metrics, upgrades.

mod doctor;
mod faults;
mod full_outbox;
mod joining;
mod late_work;
mod load;
mod logs;
mod machine;
mod metrics;
mod presence;
mod screen;
mod stdout;
pub(crate) mod stops;
mod upgrades;
mod websocket;
