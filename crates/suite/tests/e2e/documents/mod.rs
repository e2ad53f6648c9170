//! The OpenAPI documents and the tables of settings, against what the programs do.

mod examples;
mod operations;
mod routes;
mod settings;
