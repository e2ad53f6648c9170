//! The operator's postos.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use domain::Moment;
use protocol::{ErrorReply, Posto, PostoBody, PostoPatch, PostosFilter, Timestamp, fields};
use serde::Serialize;
use service::{HttpError, JsonBody, Params, Path, json_with_etag};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::By;
use super::path::PostoPath;
use crate::app_state::AppState;
use crate::store::{ChangePosto, CreatePosto, ForgetCharger, PostoRow};
use crate::wire;

/// Routes that need no token: their answers name nobody.
pub(super) fn public_routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

pub(super) fn protected_routes() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(change))
        .routes(routes!(forget_carregador))
}

/// Um posto, e por que está ou não em serviço.
///
/// Está em serviço se o operador e o carregador dizem que está, e em manutenção se um deles o diz.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": 5, "nome": "Ponto 5", "localizacao": "-23.5540,-46.6370", "potencia_maxima": 22.0,
    "tipo_conector": "CCS", "preco_kwh": 2.5, "disponivel": false, "em_manutencao": false,
    "operador": {"disponivel": true, "em_manutencao": false},
    "carregador": {
        "disponivel": false, "em_manutencao": false, "desde": "2026-11-23T12:00:00.000Z"
    }
}))]
pub(super) struct AdminPosto {
    #[serde(flatten)]
    posto: Posto,
    /// O que o operador diz.
    operador: OperadorState,
    /// O que o carregador diz; `null` se ainda não disse nada, o que vale como em serviço.
    #[schema(required)]
    carregador: Option<CarregadorState>,
}

/// O que o operador diz, pela API de administração ou em `postos.csv`.
#[derive(Serialize, ToSchema)]
struct OperadorState {
    /// Se está em serviço.
    disponivel: bool,
    /// Se está em manutenção.
    em_manutencao: bool,
}

/// O que o carregador diz, em `pontos/{posto_id}/disponibilidade`.
#[derive(Serialize, ToSchema)]
struct CarregadorState {
    /// Se está em serviço.
    disponivel: bool,
    /// Se está em manutenção.
    em_manutencao: bool,
    /// Desde quando diz isto.
    desde: Timestamp,
}

impl From<&PostoRow> for AdminPosto {
    fn from(row: &PostoRow) -> Self {
        let states = &row.states;
        let carregador = states.carregador_desde.map(|desde| CarregadorState {
            disponivel: states.carregador_disponivel.unwrap_or(true),
            em_manutencao: states.carregador_em_manutencao.unwrap_or(false),
            desde: Moment::from_millis(desde).into(),
        });
        let operador = OperadorState {
            disponivel: states.operador_disponivel,
            em_manutencao: states.operador_em_manutencao,
        };
        Self { posto: wire::posto(row), operador, carregador }
    }
}

/// Uma lista de postos.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"postos": [{
    "id": 5, "nome": "Ponto 5", "localizacao": "-23.5540,-46.6370", "potencia_maxima": 22.0,
    "tipo_conector": "CCS", "preco_kwh": 2.5, "disponivel": true, "em_manutencao": false,
    "operador": {"disponivel": true, "em_manutencao": false}, "carregador": null
}]}))]
pub(super) struct PostosList {
    /// Por número.
    postos: Vec<AdminPosto>,
}

fields! {
    pub(super) struct PostosQuery {
        /// Quais postos.
        filter: PostosFilter,
    }
}

pub(super) async fn find(app: &AppState, id: i64) -> Result<AdminPosto, HttpError> {
    let found = app.read(app.store.postos_by_id(&[id], app.now())).await?;
    let found = found.first().map(AdminPosto::from);
    Ok(found.ok_or_else(|| app.posto_inexistente(id))?)
}

/// Lista os postos.
///
/// Todos, ou os que passam pelos filtros; por número.
#[utoipa::path(get, path = "/postos", operation_id = "list_postos",
    tag = "postos", params(PostosQuery, ("If-None-Match" = Option<String>, Header, nullable = false,
        description = "O `ETag` da lista que já se tem", example = "W/\"4e1243bd22c66e76c2ba9eddc1f91394\"")),
    responses(
    (status = 200, body = PostosList, description = "Os postos"),
    (status = 304, description = "São os mesmos postos, por `If-None-Match`"),
))]
async fn list(
    State(app): State<Arc<AppState>>,
    headers: HeaderMap,
    Params(PostosQuery { filter }): Params<PostosQuery>,
) -> Result<Response, HttpError> {
    let listing = app.read(app.store.listing()).await?;
    let postos = PostosList { postos: listing.matching(&filter).map(AdminPosto::from).collect() };
    Ok(json_with_etag(&headers, &postos))
}

/// Cria um posto.
///
/// Ele recebe o próximo número.
#[utoipa::path(post, path = "/postos", operation_id = "create_posto",
    tag = "postos", request_body = PostoBody, responses(
    (status = 201, body = AdminPosto, headers(("Location" = String, description = "O posto criado")), description = "O posto"),
))]
async fn create(
    State(app): State<Arc<AppState>>,
    By(by): By,
    body: JsonBody,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<AdminPosto>), HttpError> {
    let posto: PostoBody = body.read()?;
    let id = app.write_by(by, CreatePosto(posto.into())).await?;
    let posto = find(&app, id).await?;
    Ok((StatusCode::CREATED, [(LOCATION, format!("postos/{id}"))], Json(posto)))
}

/// Mostra um posto.
///
/// Como está neste momento.
#[utoipa::path(get, path = "/postos/{id}", operation_id = "get_posto", tag = "postos",
    params(PostoPath),
    responses(
        (status = 200, body = AdminPosto, description = "O posto"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
    )
)]
async fn get(
    State(app): State<Arc<AppState>>,
    Path(PostoPath { id }): Path<PostoPath>,
) -> Result<Json<AdminPosto>, HttpError> {
    Ok(Json(find(&app, id).await?))
}

/// Altera um posto.
///
/// O que não vem fica como está. Nenhuma reserva muda, mesmo que o posto saia de serviço: para isso há
/// `PUT /postos/{id}/disponibilidade`.
#[utoipa::path(patch, path = "/postos/{id}", operation_id = "change_posto",
    tag = "postos", request_body = PostoPatch,
    params(PostoPath),
    responses(
        (status = 200, body = AdminPosto, description = "O posto"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
    )
)]
async fn change(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(PostoPath { id }): Path<PostoPath>,
    body: JsonBody,
) -> Result<Json<AdminPosto>, HttpError> {
    let PostoPatch(change) = body.read_by(PostoPatch::from_json)?;
    app.write_by(by, ChangePosto { posto_id: id, change }).await?;
    Ok(Json(find(&app, id).await?))
}

/// Esquece o que o carregador de um posto disse.
///
/// Para um posto com outro carregador, ou cujo carregador não fala mais: até que diga algo, vale o
/// que o operador diz. Uma mensagem antiga que o broker ainda guarda não volta a valer.
#[utoipa::path(delete, path = "/postos/{id}/carregador", operation_id = "forget_carregador",
    tag = "postos",
    params(PostoPath),
    responses(
        (status = 200, body = AdminPosto, description = "O posto"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
    )
)]
async fn forget_carregador(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Path(PostoPath { id }): Path<PostoPath>,
) -> Result<Json<AdminPosto>, HttpError> {
    app.write_by(by, ForgetCharger { posto_id: id }).await?;
    Ok(Json(find(&app, id).await?))
}
