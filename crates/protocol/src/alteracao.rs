//! Changing a reserva, and what a reservation would be answered.

use domain::{Moment, ReservaChange, RowId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reservar::check_interval;
use crate::{Estimativa, Field, NotNull, RequestId, ReservaRef, StatusReply, Timestamp, fields};

fields! {
    /// Corpo de `PATCH /reservas/{request_id}`: ao menos um dos campos; o que não vem fica como está.
    #[example({"posto_id": 6})]
    pub struct AlteracaoBody {
        /// Novo início, em RFC 3339 com fuso; o de uma reserva que já começou não muda.
        inicio: NotNull<Moment>,
        /// Novo fim, em RFC 3339 com fuso.
        fim: NotNull<Moment>,
        /// Outro posto do mesmo servidor.
        posto_id: NotNull<RowId>,
    }
    rules |raw| {
        if raw.inicio.is_none() && raw.fim.is_none() && raw.posto_id.is_none() {
            let mensagem = "deve vir, ou fim, ou posto_id: não há o que alterar";
            raw.inicio = Some(Field::Invalid(mensagem.to_owned()));
        }
        check_interval(&raw.inicio, &mut raw.fim);
    }
}

impl From<&AlteracaoBody> for ReservaChange {
    fn from(body: &AlteracaoBody) -> Self {
        let AlteracaoBody { inicio, fim, posto_id } = body;
        Self { posto_id: posto_id.0.map(RowId::get), inicio: inicio.0, fim: fim.0 }
    }
}

fields! {
    /// Pede a um servidor que altere uma reserva, toda de uma vez ou nada.
    ///
    /// O `request_id` do pedido não é o da reserva; repetido com o mesmo, o pedido não tem segundo
    /// efeito.
    #[example({
        "request_id": "0198c0de-7a1b-7000-8000-000000000005", "client_id": "cliente1",
        "server_id": "server1", "reserva_request_id": "0198c0de-7a1b-7000-8000-000000000001",
        "fim": "2026-11-24T18:00:00.000Z", "posto_id": 6
    })]
    pub struct AlteracaoRequest {
        /// A reserva.
        asked: ReservaRef,
        /// O que muda.
        change: AlteracaoBody,
    }
}

impl AlteracaoRequest {
    /// What is asked, without the ids of the request and its gateway. Servidores store a fingerprint
    /// of this text, so it must never change. The app is part of it where there is one.
    pub fn content(&self) -> Result<Vec<u8>, serde_json::Error> {
        let AlteracaoBody { inicio, fim, posto_id } = &self.change;
        let time = |moment: &NotNull<Moment>| moment.0.map(Timestamp::from);
        let posto_id = posto_id.0.map(RowId::get);
        let content = (&self.asked.reserva_request_id, time(inicio), time(fim), posto_id);
        match &self.asked.app {
            None => serde_json::to_vec(&content),
            Some(app) => serde_json::to_vec(&(content, app)),
        }
    }
}

/// O que uma reserva pediria e custaria. Nada foi reservado.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "request_id": "0198c0de-7a1b-7000-8000-000000000004", "status": "sucesso",
    "mensagem": "O posto Ponto 5 localizado no servidor server1 está livre neste período para o carro de placa ABC1234.",
    "estimativa": {"energia_kwh": 22.2, "minutos": 61, "custo": 55.5, "preco_kwh": 2.5,
        "autonomia_km": 117.4},
    "disponivel_no_periodo": true
}))]
pub struct EstimativaReply {
    /// A requisição que isto responde.
    pub request_id: RequestId,
    /// Sempre `sucesso`.
    pub status: StatusReply,
    /// A resposta, para uma pessoa.
    pub mensagem: String,
    /// O que a carga pede, ao preço de agora.
    pub estimativa: Estimativa,
    /// Se o posto seria deste carro neste período, fosse ele reservado agora: está em serviço, e nada
    /// o ocupa. O limite de reservas do carro não conta.
    pub disponivel_no_periodo: bool,
}
