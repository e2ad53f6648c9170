//! The closed list of error codes, each with the one HTTP status it is answered with.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codigos {
    ($($(#[$doc:meta])* $codigo:ident = $status:literal,)+) => {
        /// O que deu errado, para um programa decidir o que fazer. Um cliente que não conhece o código
        /// de um servidor mais novo o responde com o status 409.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Codigo {
            $($(#[$doc])* $codigo,)+
        }

        impl Codigo {
            pub const ALL: &[Self] = &[$(Self::$codigo),+];

            /// The HTTP status this code is answered with, the same one everywhere.
            pub const fn http_status(self) -> u16 {
                match self {
                    $(Self::$codigo => $status,)+
                }
            }
        }
    };
}

/// As on the wire.
impl fmt::Display for Codigo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

codigos! {
    /// It is not written as HTTP demands.
    RequisicaoMalformada = 400,
    /// The head of the request is too large.
    CabecalhoGrandeDemais = 431,
    /// There is no token, or it is not valid.
    NaoAutenticado = 401,
    /// The token gives no right to this.
    NaoAutorizado = 403,
    PostoInexistente = 404,
    /// No such reserva, or no such request.
    ReservaInexistente = 404,
    CarroInexistente = 404,
    CarregamentoInexistente = 404,
    /// No such token of the admin API.
    TokenInexistente = 404,
    /// This carro already holds the posto for an overlapping interval.
    PostoJaReservadoParaEsteCarro = 409,
    /// Another carro holds the posto for an overlapping interval, or is charging there.
    PostoReservado = 409,
    PostoIndisponivel = 409,
    PostoEmManutencao = 409,
    /// It has reservas, or a carro is charging there, and so it cannot be removed.
    PostoEmUso = 409,
    /// It has an active reserva or session, and so cannot be forgotten.
    CarroEmUso = 409,
    /// A valid token of the admin API has this name.
    TokenExistente = 409,
    /// Without it nobody could make another token.
    UltimoOperador = 409,
    /// This carro has as many reservas as the servidor allows.
    LimiteDeReservas = 409,
    ReservaEncerrada = 409,
    /// Its carro is charging or has charged.
    ReservaEmUso = 409,
    /// The session has ended with other values.
    CarregamentoEncerrado = 409,
    /// The posto or the carro had another session at that time.
    CarregamentoSobreposto = 409,
    /// The carro is charging at another posto, or still in the session that is to be corrected.
    CarroEmCarregamento = 409,
    /// Body, query or message is wrong; `campos` names every wrong field.
    RequisicaoInvalida = 422,
    /// More energy than the posto could give in that time.
    EnergiaImplausivel = 422,
    /// The idempotency key (or `request_id`) came before with another content.
    ChaveIdempotenciaReutilizada = 422,
    CorpoGrandeDemais = 413,
    TipoNaoSuportado = 415,
    RotaInexistente = 404,
    MetodoNaoPermitido = 405,
    /// More than this caller may ask.
    RequisicoesDemais = 429,
    /// The servidor is offline, was never seen, or cannot read or write its data.
    ServidorIndisponivel = 503,
    /// There is no connection to the broker.
    BrokerIndisponivel = 503,
    /// Too many requests are in flight.
    Sobrecarregado = 503,
    /// No answer within the limit, or the command arrived after it.
    TempoEsgotado = 504,
    /// The cause is in the log.
    ErroInterno = 500,
}
