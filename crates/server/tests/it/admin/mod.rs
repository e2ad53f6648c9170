//! The admin API, through real sockets.

mod carregamentos;
mod errors;
mod postos;
mod reservas;
mod status;
