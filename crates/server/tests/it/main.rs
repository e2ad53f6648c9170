//! A servidor without a broker: its store on real files, its HTTP API through real sockets, its
//! settings.

mod admin;
mod backup;
mod command_line;
mod config;
mod files;
mod foreign_files;
mod import;
mod openapi;
mod running;
mod start;
mod store;
mod store_audit;
mod store_concurrency;
mod store_forgetting;
mod store_listing;
mod store_lives;
mod store_maintenance;
mod store_moved;
mod store_removal;
mod store_states;
mod store_upgrade;
mod support;
mod tokens;
