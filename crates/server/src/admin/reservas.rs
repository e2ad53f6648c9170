//! Reservas.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Moment, Placa, Rejection, ReservaState, RowId};
use protocol::{
    ErrorReply, OrDefault, RequestId, ReservaAviso, ReservaMotivo, ReservaReply, ReservaStatus,
    StatusReply, Timestamp, fields,
};
use serde::Serialize;
use service::{HttpError, Params, Path};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::By;
use super::page::{PageSize, check_order, page};
use super::path::ReservaPath;
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::reserva_rules::tolerancia_min;
use crate::store::{CancelReserva, CancelTarget, ReservaView, ReservasQuery};
use crate::wire;

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(cancel))
}

/// Uma reserva, com o que o operador quer saber além dela.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
    "fim": "2026-11-24T12:00:00.000Z", "status": "ativa", "desde": "2026-11-23T11:58:00.000Z",
    "preco_kwh": 2.5, "versao": 1,
    "request_id": "0198c0de-7a1b-7000-8000-000000000001",
    "criada_em": "2026-11-23T11:58:00.000Z"
}))]
pub(super) struct ReservaDetail {
    /// Número da reserva.
    id: i64,
    /// O posto.
    posto_id: i64,
    /// O carro; nulo se foi esquecido.
    #[schema(required)]
    placa: Option<String>,
    /// Primeiro instante em que o posto é dele.
    inicio: Timestamp,
    /// Primeiro instante em que o posto já não é dele, como foi combinado.
    fim: Timestamp,
    /// Em que situação está.
    status: ReservaStatus,
    /// Desde quando está nesta situação.
    desde: Timestamp,
    /// Por que foi cancelada, ou `ausencia` se o carro não veio.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    motivo: Option<ReservaMotivo>,
    /// Quando o posto ficou livre, se foi antes de `fim`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    livre_desde: Option<Timestamp>,
    /// Por quantos minutos o posto espera, a contar de `inicio`, por um carro que não veio; ausente se
    /// espera até `fim`. A espera recomeça depois de outro carro carregar ali, de o posto estar fora de
    /// serviço, ou de o servidor estar parado.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tolerancia_min: Option<i64>,
    /// Preço combinado do kWh, em reais.
    preco_kwh: f64,
    /// Conta as mudanças da reserva, a partir de 1.
    versao: i64,
    /// O que quem reservou deve saber do posto.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    aviso: Option<ReservaAviso>,
    /// A requisição que a fez; nula se o carro foi esquecido.
    #[schema(required)]
    request_id: Option<String>,
    /// Quando foi feita.
    criada_em: Timestamp,
}

impl From<ReservaView> for ReservaDetail {
    fn from(record: ReservaView) -> Self {
        let facts = record.facts;
        Self {
            id: record.id,
            posto_id: record.posto_id,
            placa: record.placa,
            inicio: facts.interval.inicio().into(),
            fim: facts.interval.fim().into(),
            status: facts.state.into(),
            desde: facts.desde.into(),
            motivo: facts.motivo.map(Into::into),
            livre_desde: facts.free_early().map(Into::into),
            tolerancia_min: tolerancia_min(facts.tolerancia),
            preco_kwh: facts.preco_kwh.get(),
            versao: facts.versao,
            aviso: facts.aviso.map(Into::into),
            request_id: record.request_id,
            criada_em: record.created_at.into(),
        }
    }
}

/// Uma página de reservas.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"reservas": [{
    "id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
    "fim": "2026-11-24T12:00:00.000Z", "status": "ativa", "desde": "2026-11-23T11:58:00.000Z",
    "preco_kwh": 2.5, "versao": 1,
    "request_id": "0198c0de-7a1b-7000-8000-000000000001",
    "criada_em": "2026-11-23T11:58:00.000Z"
}], "proxima": null}))]
pub(super) struct ReservasPage {
    /// Da mais nova para a mais velha.
    reservas: Vec<ReservaDetail>,
    /// Valor de `antes_de` para a próxima página; nulo na última.
    proxima: Option<i64>,
}

fields! {
    pub(super) struct ReservasFilter {
        /// Somente as que estão nesta situação.
        status: Option<ReservaState>,
        /// Placa do carro.
        placa: Option<Placa>,
        /// Somente as deste posto.
        posto_id: Option<RowId>,
        /// Somente as que terminam depois deste instante.
        de: Option<Moment>,
        /// Somente as que começam antes deste instante.
        ate: Option<Moment>,
    }
    rules |raw| {
        check_order(&mut raw.de, ("ate", &raw.ate));
    }
}

impl ReservasFilter {
    /// A page of what it selects, of ids before this one.
    pub(super) fn query(self, before: Option<i64>, limit: i64) -> ReservasQuery {
        let Self { status, placa, posto_id, de, ate } = self;
        ReservasQuery {
            status,
            placa: placa.map(|placa| placa.as_str().to_owned()),
            posto_id: posto_id.map(RowId::get),
            from: de,
            until: ate,
            before,
            limit,
        }
    }
}

fields! {
    pub(super) struct ReservasParams {
        /// Quais reservas.
        filter: ReservasFilter,
        /// Somente as de número menor que este.
        antes_de: Option<RowId>,
        /// Quantas no máximo.
        limite: OrDefault<PageSize>,
    }
}

/// Lista as reservas.
///
/// Da mais nova para a mais velha.
#[utoipa::path(get, path = "/reservas", operation_id = "list_reservas",
    tag = "reservas", params(ReservasParams), responses(
    (status = 200, body = ReservasPage, description = "Uma página de reservas"),
))]
async fn list(
    State(app): State<Arc<AppState>>,
    Params(params): Params<ReservasParams>,
) -> Result<Json<ReservasPage>, HttpError> {
    let limite = params.limite.0;
    let query = params.filter.query(params.antes_de.map(RowId::get), limite.with_next());
    let found = app.read(app.store.reservas(&query, app.now())).await?;
    let (found, proxima) = page(found, limite, |record| record.id);
    Ok(Json(ReservasPage {
        reservas: found.into_iter().map(ReservaDetail::from).collect(),
        proxima,
    }))
}

/// Mostra uma reserva.
///
/// Com a requisição que a fez.
#[utoipa::path(get, path = "/reservas/{id}", operation_id = "get_reserva", tag = "reservas",
    params(ReservaPath),
    responses(
        (status = 200, body = ReservaDetail, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente"),
    )
)]
async fn get(
    State(app): State<Arc<AppState>>,
    Path(ReservaPath { id }): Path<ReservaPath>,
) -> Result<Json<ReservaDetail>, HttpError> {
    let found = app.read(app.store.reserva(id, app.now())).await?;
    let missing = || {
        let server_id = app.server_id.to_string();
        Failure::Rejected(Rejection::ReservaInexistente { reserva: id.to_string(), server_id })
    };
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// Cancela uma reserva.
///
/// Cancelar duas vezes é o mesmo que uma.
#[utoipa::path(post, path = "/reservas/{id}/cancelar", operation_id = "cancel_reserva",
    tag = "reservas",
    params(ReservaPath),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente"),
        (status = 409, body = ErrorReply, description = "reserva_encerrada, reserva_em_uso"),
    )
)]
async fn cancel(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(ReservaPath { id }): Path<ReservaPath>,
) -> Result<Json<ReservaReply>, HttpError> {
    let (target, deadline) = (CancelTarget::Id(id), app.default_deadline());
    let reserva = app.write_by(by, CancelReserva { target, deadline }).await?;
    Ok(Json(ReservaReply {
        request_id: RequestId::new(),
        status: StatusReply::Sucesso,
        mensagem: wire::cancelled_mensagem(&reserva),
        reserva: wire::reserva(&reserva),
        estimativa: None,
    }))
}
