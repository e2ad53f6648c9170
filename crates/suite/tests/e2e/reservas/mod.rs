//! What happens to reservas and postos, through the real programs.

mod changes;
mod chargers;
mod charging;
mod maintenance;
mod people;
mod repeats;
mod seed_story;
mod statistics;
mod tolerance;
