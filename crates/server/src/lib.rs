//! One operator's servidor: its postos and reservas, an admin API over HTTP, and the commands that
//! reach it over the broker.

mod admin;
mod admin_tokens;
mod announce;
mod app_state;
mod archiving;
mod array_clients;
mod bus_options;
mod charger_messages;
mod config;
mod digest;
mod doctor;
mod failpoints;
mod failure;
mod first_start;
mod handlers;
mod import;
mod last_backup;
mod listing_cache;
mod metrics;
mod open_store;
mod program;
mod reserva_rules;
mod retention;
mod start;
mod start_error;
pub mod store;
mod subcommands;
mod table;
mod token_file;
mod token_reader;
mod wire;

pub use admin::openapi;
pub use config::{AdminAccess, Config, PostosCsv, SETTINGS};
pub use import::{ImportError, ImportedPosto, WrongCell, WrongFile, read_postos};
pub use last_backup::LastBackup;
pub use program::main;
pub use start::Server;
pub use start_error::StartError;
pub use store::DatabaseUrl;
