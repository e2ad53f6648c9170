//! A servidor without a broker: its store on real files, its HTTP API through real sockets, its
//! settings.

mod admin;
mod archiving;
mod backup;
mod command_line;
mod config;
mod doctor;
mod files;
mod fixtures;
mod foreign_files;
mod import;
mod openapi;
mod running;
mod start;
mod store;
mod support;
mod tokens;
