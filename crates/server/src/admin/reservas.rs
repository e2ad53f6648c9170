//! The reservas of this servidor.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use domain::Rejection;
use protocol::{
    Checker, ErrorReply, Loose, RequestId, Reserva, ReservaReply, ReservaStatus, StatusReply,
    Timestamp,
};
use serde::Serialize;
use service::{HttpError, Path, QueryParams};
use utoipa::{IntoParams, ToSchema};

use super::{page, page_size};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::{CancelTarget, ReservaRecord, ReservasQuery};
use crate::wire;

/// A reserva with what its operator wants to know besides.
#[derive(Serialize, ToSchema)]
pub(super) struct ReservaDetail {
    /// The reserva itself.
    #[serde(flatten)]
    reserva: Reserva,
    /// The request that made it.
    request_id: String,
    /// When it was made.
    criada_em: Timestamp,
}

impl From<ReservaRecord> for ReservaDetail {
    fn from(record: ReservaRecord) -> Self {
        Self {
            reserva: wire::reserva(&record.reserva),
            request_id: record.reserva.request_id,
            criada_em: wire::timestamp(record.created_at),
        }
    }
}

/// A page of reservas.
#[derive(Serialize, ToSchema)]
pub(super) struct Reservas {
    /// Newest first.
    reservas: Vec<ReservaDetail>,
    /// Value of `antes_de` for the next page; null on the last.
    proxima: Option<i64>,
}

/// Which page of which reservas.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // Read by name through QueryParams; here for the documentation.
pub(super) struct ReservasParams {
    /// Only those that stand so.
    #[param(nullable = false)]
    status: Option<ReservaStatus>,
    /// Only those of this carro.
    #[param(
        min_length = 5,
        max_length = 64,
        pattern = r"^[ -]*([A-Za-z0-9][ -]*){5,8}$",
        nullable = false
    )]
    placa: Option<String>,
    /// Only those of this posto.
    #[param(minimum = 1, nullable = false)]
    posto_id: Option<i64>,
    /// Only those with a smaller number.
    #[param(minimum = 1, nullable = false)]
    antes_de: Option<i64>,
    /// At most so many, from 1 to 500; by default 50.
    #[param(minimum = 1, maximum = 500, nullable = false)]
    limite: Option<i64>,
}

fn query(mut params: QueryParams) -> Result<ReservasQuery, HttpError> {
    let mut checker = Checker::new();
    let status = match params.text(&mut checker, "status").as_deref() {
        None => None,
        Some("ativa") => Some(ReservaStatus::Ativa),
        Some("cancelada") => Some(ReservaStatus::Cancelada),
        Some("encerrada") => Some(ReservaStatus::Encerrada),
        Some(_) => {
            checker.wrong("status", "deve ser ativa, cancelada ou encerrada");
            None
        }
    };
    let placa = params
        .text(&mut checker, "placa")
        .and_then(|text| checker.placa("placa", Loose::Value(text)));
    let mut positive = |name: &str| {
        let id = params.integer(&mut checker, name)?;
        checker.positive_id(name, Loose::Value(id))
    };
    let (posto_id, before) = (positive("posto_id"), positive("antes_de"));
    let limite = params.integer(&mut checker, "limite");
    let limit = page_size(&mut checker, limite);
    let status = status.map(wire::reserva_state);
    Ok(checker.finish(Some(ReservasQuery { status, placa, posto_id, before, limit }))?)
}

/// Lista as reservas, da mais nova para a mais velha.
#[utoipa::path(get, path = "/reservas", operation_id = "list_reservas",
    tag = "reservas", params(ReservasParams), responses(
    (status = 200, body = Reservas, description = "Uma página de reservas"),
    (status = 422, body = ErrorReply, description = "requisicao_invalida"),
))]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    params: QueryParams,
) -> Result<Json<Reservas>, HttpError> {
    let mut query = query(params)?;
    let limite = query.limit;
    query.limit += 1;
    let found = app.store.reservas(&query, app.now()).await;
    let found = found.map_err(|error| app.read_error(&error))?;
    let (found, proxima) = page(found, limite, |record| record.reserva.id);
    Ok(Json(Reservas { reservas: found.into_iter().map(ReservaDetail::from).collect(), proxima }))
}

/// Mostra uma reserva.
#[utoipa::path(get, path = "/reservas/{id}", operation_id = "get_reserva", tag = "reservas",
    params(("id" = i64, Path, description = "Número da reserva", minimum = 1)),
    responses(
        (status = 200, body = ReservaDetail, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<i64>,
) -> Result<Json<ReservaDetail>, HttpError> {
    let found = app.store.reserva(id, app.now()).await;
    let found = found.map_err(|error| app.read_error(&error))?;
    let missing = || {
        let servidor = app.server_id.as_str().to_owned();
        Failure::Rejected(Rejection::ReservaInexistente { reserva: id.to_string(), servidor })
    };
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// Cancela uma reserva; cancelar duas vezes é o mesmo que uma.
#[utoipa::path(post, path = "/reservas/{id}/cancelar", operation_id = "cancel_reserva",
    tag = "reservas",
    params(("id" = i64, Path, description = "Número da reserva", minimum = 1)),
    responses(
        (status = 200, body = ReservaReply, description = "A reserva"),
        (status = 404, body = ErrorReply, description = "reserva_inexistente"),
        (status = 409, body = ErrorReply, description = "reserva_encerrada"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
        (status = 504, body = ErrorReply, description = "tempo_esgotado"),
    )
)]
pub(super) async fn cancel(
    State(app): State<Arc<AppState>>,
    Extension(request_id): Extension<RequestId>,
    Path(id): Path<i64>,
) -> Result<Json<ReservaReply>, HttpError> {
    let cancelled = app.store.cancel(CancelTarget::Id(id), app.default_deadline()).await;
    let reserva = cancelled.map_err(|error| app.write_error(error))?;
    Ok(Json(ReservaReply {
        request_id,
        status: StatusReply::Sucesso,
        mensagem: wire::cancelled_mensagem(&reserva),
        reserva: wire::reserva(&reserva),
    }))
}
