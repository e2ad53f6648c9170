//! The admin API, through real sockets.

mod access;
mod auditoria;
mod carregamentos;
mod errors;
mod estatisticas;
mod late_carregamentos;
mod maintenance;
mod operator;
mod painel;
mod postos;
mod reservas;
mod status;
