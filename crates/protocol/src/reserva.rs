//! Reservas: how they are named, answered about and published.

use domain::ReservaState;
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema, ToSchema};

use crate::values::field_values;
use crate::{AppId, ClientId, RequestId, ServerId, StatusReply, Timestamp, fields};

field_values!(@ ReservaState, |scalar| Self::parse(scalar.text("um texto")?)?,
    |value| Text(value.as_str().into()), ReservaStatus::schema(), "ReservaStatus");

/// Situação de uma reserva.
//
// Stands for [`ReservaState`] in JSON and in the OpenAPI documents.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(remote = "ReservaState", rename_all = "snake_case")]
pub enum ReservaStatus {
    Ativa,
    Cancelada,
    Encerrada,
}

/// Um carro com um posto por um período, `[inicio, fim)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reserva {
    /// Número da reserva no servidor.
    pub id: i64,
    /// O posto.
    pub posto_id: i64,
    /// O carro.
    pub placa: String,
    /// Primeiro instante em que o posto é dele.
    pub inicio: Timestamp,
    /// Primeiro instante em que o posto já não é dele.
    pub fim: Timestamp,
    /// Em que situação está.
    #[serde(with = "ReservaStatus")]
    #[schema(value_type = ReservaStatus)]
    pub status: ReservaState,
}

fields! {
    /// Uma reserva, pela requisição que a fez.
    pub struct ReservaRef {
        /// Volta na resposta a esta mensagem.
        request_id: RequestId,
        /// Em que tópico a resposta é esperada.
        client_id: ClientId,
        /// O app que pergunta; de uma reserva que tem app, só este.
        app: Option<AppId>,
        /// O servidor a quem se pergunta.
        server_id: ServerId,
        /// O `request_id` da reserva.
        reserva_request_id: RequestId,
    }
}

/// A resposta a uma reserva, a um cancelamento ou a uma pergunta sobre uma reserva, quando não é um erro.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "request_id": "0198c0de-7a1b-7000-8000-000000000001", "status": "sucesso",
    "mensagem": "O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234.",
    "reserva": {"id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
        "fim": "2026-11-24T12:00:00.000Z", "status": "ativa"}
}))]
pub struct ReservaReply {
    /// A requisição que isto responde.
    pub request_id: RequestId,
    /// Sempre `sucesso`.
    pub status: StatusReply,
    /// O que aconteceu, para uma pessoa.
    pub mensagem: String,
    /// A reserva, como está.
    pub reserva: Reserva,
}

/// Uma reserva mudou, para quem quiser ouvir: não diz de quem é.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservaEvent {
    /// O servidor da reserva.
    pub server_id: ServerId,
    /// A reserva, como no tópico.
    pub reserva_id: i64,
    /// O posto.
    pub posto_id: i64,
    /// Em que situação está.
    #[serde(with = "ReservaStatus")]
    #[schema(value_type = ReservaStatus)]
    pub status: ReservaState,
    /// Quando mudou.
    pub timestamp: Timestamp,
}

/// Uma reserva mudou, para o cliente que a fez.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReservaClientEvent {
    /// O servidor da reserva.
    pub server_id: ServerId,
    /// A requisição que a fez.
    pub request_id: RequestId,
    /// A reserva, como está.
    #[serde(flatten)]
    pub reserva: Reserva,
    /// Quando mudou.
    pub timestamp: Timestamp,
}
