//! A reserva: naming it, answering about it, telling that it changed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    BadMessage, Checker, ClientId, Loose, RequestId, ServerId, StatusReply, Timestamp, read_object,
};

/// Where a reserva stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservaStatus {
    /// It holds its posto from `inicio` to `fim`.
    Ativa,
    /// It was cancelled and holds nothing.
    Cancelada,
    /// Its `fim` has passed.
    Encerrada,
}

/// One carro holding one posto for one stretch of time, `[inicio, fim)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reserva {
    /// Number of the reserva on its servidor.
    pub id: i64,
    /// The posto held.
    pub posto_id: i64,
    /// The carro that holds it.
    pub placa: String,
    /// First instant held.
    pub inicio: Timestamp,
    /// First instant no longer held.
    pub fim: Timestamp,
    /// Where it stands.
    pub status: ReservaStatus,
}

/// `…/reserva/cancelamento` and `…/reserva/consulta`: names the reserva by the request that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReservaRef {
    /// Correlates the reply to this message.
    pub request_id: RequestId,
    /// Who asks, and so where the reply goes.
    pub client_id: ClientId,
    /// Who should act.
    pub server_id: ServerId,
    /// The `request_id` of the reservation command.
    pub reserva_request_id: RequestId,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReservaRefFields {
    request_id: Loose<RequestId>,
    client_id: Loose<ClientId>,
    server_id: Loose<ServerId>,
    reserva_request_id: Loose<RequestId>,
}

impl ReservaRef {
    /// Reads a payload.
    ///
    /// # Errors
    /// Not JSON, or wrong fields.
    pub fn from_json(payload: &[u8]) -> Result<Self, BadMessage> {
        let fields: ReservaRefFields = read_object(payload)?;
        let mut checker = Checker::new();
        let request_id = checker.required("request_id", fields.request_id);
        let client_id = checker.required("client_id", fields.client_id);
        let server_id = checker.required("server_id", fields.server_id);
        let reserva_request_id = checker.required("reserva_request_id", fields.reserva_request_id);
        let message = request_id.zip(client_id).zip(server_id).zip(reserva_request_id).map(
            |(((request_id, client_id), server_id), reserva_request_id)| Self {
                request_id,
                client_id,
                server_id,
                reserva_request_id,
            },
        );
        checker.finish(message)
    }
}

/// The answer to a reservation, a cancellation or a question about one, when it is no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "request_id": "0198c0de-7a1b-7000-8000-000000000001", "status": "sucesso",
    "mensagem": "O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234.",
    "reserva": {"id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
        "fim": "2026-11-24T12:00:00.000Z", "status": "ativa"}
}))]
pub struct ReservaReply {
    /// The request this answers.
    pub request_id: RequestId,
    /// Always `sucesso`; an error is an [`ErrorReply`](crate::ErrorReply).
    pub status: StatusReply,
    /// What happened, for a person.
    pub mensagem: String,
    /// The reserva, as it stands.
    pub reserva: Reserva,
}

/// `reservas/{reserva_id}/status`: a reserva has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservaEvent {
    /// The servidor that tells it.
    pub server_id: ServerId,
    /// The reserva.
    pub reserva_id: i64,
    /// The request that made it.
    pub request_id: RequestId,
    /// The carro that holds it.
    pub placa: String,
    /// The posto it holds.
    pub posto_id: i64,
    /// Where it stands now.
    pub status: ReservaStatus,
    /// When it changed.
    pub timestamp: Timestamp,
}
