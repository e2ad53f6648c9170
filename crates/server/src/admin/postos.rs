//! The operator's postos.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, StatusCode};
use domain::{PostoChange, Rejection};
use protocol::{Checker, ErrorReply, Posto};
use serde::Serialize;
use service::{HttpError, Path, QueryParams, RawJson};
use utoipa::{IntoParams, ToSchema};

use super::body::{self, DisponibilidadeBody, PostoBody, PostoPatch};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::{Edit, PostosQuery};
use crate::wire;

/// A list of postos.
#[derive(Serialize, ToSchema)]
pub(super) struct Postos {
    /// By id.
    postos: Vec<Posto>,
}

/// Which postos to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // Read by name through QueryParams; here for the documentation.
pub(super) struct PostosParams {
    /// Only those that can (or cannot) be used at this moment.
    #[param(nullable = false)]
    disponivel: Option<bool>,
    /// Only those that are (or are not) in maintenance.
    #[param(nullable = false)]
    em_manutencao: Option<bool>,
    /// Only those with this connector, whatever its case.
    #[param(nullable = false)]
    tipo_conector: Option<String>,
}

pub(super) async fn find(app: &AppState, id: i64) -> Result<Posto, HttpError> {
    let found = app.store.postos_by_id(&[id], app.now()).await;
    let found = found.map_err(|error| app.read_error(&error))?;
    let missing = || {
        let servidor = app.server_id.as_str().to_owned();
        Failure::Rejected(Rejection::PostoInexistente { posto_id: id, servidor })
    };
    Ok(found.first().map(wire::posto).ok_or_else(missing)?)
}

async fn change_and_show(
    app: &AppState,
    id: i64,
    change: PostoChange,
) -> Result<Json<Posto>, HttpError> {
    let edit = Edit::ChangePosto(id, change);
    app.store.edit(edit).await.map_err(|error| app.write_error(error))?;
    Ok(Json(find(app, id).await?))
}

/// Lista os postos.
#[utoipa::path(get, path = "/postos", operation_id = "list_postos",
    tag = "postos", params(PostosParams), responses(
    (status = 200, body = Postos, description = "Os postos"),
    (status = 422, body = ErrorReply, description = "requisicao_invalida"),
))]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    mut params: QueryParams,
) -> Result<Json<Postos>, HttpError> {
    let mut checker = Checker::new();
    let query = PostosQuery {
        disponivel: params.bool(&mut checker, "disponivel"),
        em_manutencao: params.bool(&mut checker, "em_manutencao"),
        tipo_conector: params.text(&mut checker, "tipo_conector"),
    };
    let query = checker.finish(Some(query))?;
    let listing = app.store.listing().await.map_err(|error| app.read_error(&error))?;
    Ok(Json(Postos { postos: listing.matching(&query).map(wire::posto).collect() }))
}

/// Cria um posto.
#[utoipa::path(post, path = "/postos", operation_id = "create_posto",
    tag = "postos", request_body = PostoBody, responses(
    (status = 201, body = Posto, headers(("location" = String)), description = "O posto"),
    (status = 413, body = ErrorReply, description = "corpo_grande_demais"),
    (status = 415, body = ErrorReply, description = "tipo_nao_suportado"),
    (status = 422, body = ErrorReply, description = "requisicao_invalida"),
))]
pub(super) async fn create(
    State(app): State<Arc<AppState>>,
    RawJson(body): RawJson,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Posto>), HttpError> {
    let posto = body::new_posto(&body)?;
    let id = app.store.edit(Edit::CreatePosto(posto)).await;
    let id = id.map_err(|error| app.write_error(error))?;
    let posto = find(&app, id).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("/postos/{id}"))], Json(posto)))
}

/// Mostra um posto.
#[utoipa::path(get, path = "/postos/{id}", operation_id = "get_posto", tag = "postos",
    params(("id" = i64, Path, description = "Número do posto", minimum = 1)),
    responses(
        (status = 200, body = Posto, description = "O posto"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn get(
    State(app): State<Arc<AppState>>,
    Path(id): Path<i64>,
) -> Result<Json<Posto>, HttpError> {
    Ok(Json(find(&app, id).await?))
}

/// Altera um posto: o que não vem fica como está.
#[utoipa::path(patch, path = "/postos/{id}", operation_id = "change_posto",
    tag = "postos", request_body = PostoPatch,
    params(("id" = i64, Path, description = "Número do posto", minimum = 1)),
    responses(
        (status = 200, body = Posto, description = "O posto"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 413, body = ErrorReply, description = "corpo_grande_demais"),
        (status = 415, body = ErrorReply, description = "tipo_nao_suportado"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn change(
    State(app): State<Arc<AppState>>,
    Path(id): Path<i64>,
    RawJson(body): RawJson,
) -> Result<Json<Posto>, HttpError> {
    change_and_show(&app, id, body::posto_change(&body)?).await
}

/// Remove um posto que ninguém usa nem reservou.
#[utoipa::path(delete, path = "/postos/{id}", operation_id = "remove_posto", tag = "postos",
    params(("id" = i64, Path, description = "Número do posto", minimum = 1)),
    responses(
        (status = 204, description = "O posto foi removido"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 409, body = ErrorReply, description = "posto_em_uso"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn remove(
    State(app): State<Arc<AppState>>,
    Path(id): Path<i64>,
) -> Result<StatusCode, HttpError> {
    let removed = app.store.edit(Edit::RemovePosto(id)).await;
    removed.map_err(|error| app.write_error(error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Põe um posto em serviço ou fora dele.
#[utoipa::path(put, path = "/postos/{id}/disponibilidade", operation_id = "set_disponibilidade",
    tag = "postos",
    request_body = DisponibilidadeBody,
    params(("id" = i64, Path, description = "Número do posto", minimum = 1)),
    responses(
        (status = 200, body = Posto, description = "O posto"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 413, body = ErrorReply, description = "corpo_grande_demais"),
        (status = 415, body = ErrorReply, description = "tipo_nao_suportado"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn set_disponibilidade(
    State(app): State<Arc<AppState>>,
    Path(id): Path<i64>,
    RawJson(body): RawJson,
) -> Result<Json<Posto>, HttpError> {
    change_and_show(&app, id, body::disponibilidade(&body)?).await
}
