//! The parameters of `GET /reservas/{request_id}/eventos`.
#![expect(non_snake_case, reason = "EventSource libraries send this name")]

use protocol::fields;

use super::reservas::ReservaParams;

fields! {
    pub(super) struct FollowParams {
        reserva: ReservaParams,
        /// O mesmo que o cabeçalho `Last-Event-ID`, que vale mais: para bibliotecas que, no lugar do
        /// `EventSource`, põem a `versao` aqui quando voltam.
        lastEventId: Option<i64>,
    }
}
