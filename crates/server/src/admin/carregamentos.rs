//! Charging sessions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::Rejection;
use protocol::{Checker, ErrorReply, Loose, Timestamp};
use serde::{Deserialize, Serialize};
use service::{HttpError, Path, QueryParams, RawJson};
use utoipa::{IntoParams, ToSchema};

use super::body::{self, CarregamentoBody, EnergiaBody};
use super::{page, page_size, postos};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::Edit;
use crate::wire;

/// Where a charging session stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CarregamentoStatus {
    /// The carro is charging.
    Ativo,
    /// It has charged.
    Encerrado,
}

/// A carro charging at a posto.
#[derive(Serialize, ToSchema)]
pub(super) struct Carregamento {
    /// Number of the session on this servidor.
    id: i64,
    /// The posto.
    posto_id: i64,
    /// The carro.
    placa: String,
    /// Where it stands.
    status: CarregamentoStatus,
    /// When it started.
    inicio: Timestamp,
    /// Price of a kWh agreed at the start, in BRL.
    preco_kwh: f64,
    /// When it ended; null while the carro charges.
    fim: Option<Timestamp>,
    /// Energy delivered, in kWh; null while the carro charges.
    energia_fornecida: Option<f64>,
    /// What it costs, in BRL; null while the carro charges.
    custo: Option<f64>,
}

impl From<domain::Carregamento> for Carregamento {
    fn from(session: domain::Carregamento) -> Self {
        let finished = session.finished;
        Self {
            id: session.id,
            posto_id: session.posto_id,
            placa: session.placa.as_str().to_owned(),
            status: match finished {
                None => CarregamentoStatus::Ativo,
                Some(_) => CarregamentoStatus::Encerrado,
            },
            inicio: wire::timestamp(session.inicio),
            preco_kwh: session.preco_kwh.get(),
            fim: finished.map(|finished| wire::timestamp(finished.fim)),
            energia_fornecida: finished.map(|finished| finished.energia_fornecida.get()),
            custo: finished.map(|finished| finished.custo),
        }
    }
}

/// Names a session, and so which part of its path is wrong.
#[derive(Deserialize)]
pub(super) struct SessionPath {
    id: i64,
    carregamento_id: i64,
}

async fn write_and_show(
    app: &AppState,
    posto_id: i64,
    edit: Edit,
) -> Result<Json<Carregamento>, HttpError> {
    let id = app.store.edit(edit).await.map_err(|error| app.write_error(error))?;
    let found = app.store.carregamento(posto_id, id).await;
    let found = found.map_err(|error| app.read_error(&error))?;
    let missing = || Failure::Rejected(Rejection::CarregamentoInexistente { id, posto_id });
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// A page of charging sessions.
#[derive(Serialize, ToSchema)]
pub(super) struct Carregamentos {
    /// Newest first: one that is open stands before those that have ended.
    carregamentos: Vec<Carregamento>,
    /// Value of `antes_de` for the next page; null on the last.
    proxima: Option<i64>,
}

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // Read by name through QueryParams; here for the documentation.
pub(super) struct CarregamentosParams {
    /// Only those with a smaller number.
    #[param(minimum = 1, nullable = false)]
    antes_de: Option<i64>,
    /// At most so many, from 1 to 500; by default 50.
    #[param(minimum = 1, maximum = 500, nullable = false)]
    limite: Option<i64>,
}

/// Lista os carregamentos de um posto, do mais novo para o mais velho.
#[utoipa::path(get, path = "/postos/{id}/carregamentos", operation_id = "list_carregamentos",
    tag = "carregamentos",
    params(
        ("id" = i64, Path, description = "Número do posto", minimum = 1),
        CarregamentosParams,
    ),
    responses(
        (status = 200, body = Carregamentos, description = "Uma página de carregamentos"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    Path(posto_id): Path<i64>,
    mut params: QueryParams,
) -> Result<Json<Carregamentos>, HttpError> {
    let mut checker = Checker::new();
    let before = params.integer(&mut checker, "antes_de");
    let before = before.and_then(|id| checker.positive_id("antes_de", Loose::Value(id)));
    let limite = params.integer(&mut checker, "limite");
    let limite = page_size(&mut checker, limite);
    checker.finish(Some(()))?;
    postos::find(&app, posto_id).await?;
    let found = app.store.carregamentos(posto_id, before, limite + 1).await;
    let found = found.map_err(|error| app.read_error(&error))?;
    let (found, proxima) = page(found, limite, |session| session.id);
    let carregamentos = found.into_iter().map(Carregamento::from).collect();
    Ok(Json(Carregamentos { carregamentos, proxima }))
}

/// Um carro começa a carregar; começar duas vezes é o mesmo que uma.
#[utoipa::path(post, path = "/postos/{id}/carregamentos", operation_id = "start_carregamento",
    tag = "carregamentos",
    request_body = CarregamentoBody,
    params(("id" = i64, Path, description = "Número do posto", minimum = 1)),
    responses(
        (status = 201, body = Carregamento, description = "O carregamento"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
        (status = 409, body = ErrorReply,
            description = "posto_reservado, posto_indisponivel, posto_em_manutencao"),
        (status = 413, body = ErrorReply, description = "corpo_grande_demais"),
        (status = 415, body = ErrorReply, description = "tipo_nao_suportado"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn start(
    State(app): State<Arc<AppState>>,
    Path(posto_id): Path<i64>,
    RawJson(body): RawJson,
) -> Result<(StatusCode, Json<Carregamento>), HttpError> {
    let placa = body::carregamento(&body)?;
    let edit = Edit::StartCarregamento { posto_id, placa };
    Ok((StatusCode::CREATED, write_and_show(&app, posto_id, edit).await?))
}

/// Um carro terminou de carregar.
#[utoipa::path(put, path = "/postos/{id}/carregamentos/{carregamento_id}", operation_id = "finish_carregamento",
    tag = "carregamentos",
    request_body = EnergiaBody,
    params(
        ("id" = i64, Path, description = "Número do posto", minimum = 1),
        ("carregamento_id" = i64, Path, description = "Número do carregamento", minimum = 1),
    ),
    responses(
        (status = 200, body = Carregamento, description = "O carregamento"),
        (status = 404, body = ErrorReply, description = "carregamento_inexistente"),
        (status = 409, body = ErrorReply, description = "carregamento_encerrado"),
        (status = 413, body = ErrorReply, description = "corpo_grande_demais"),
        (status = 415, body = ErrorReply, description = "tipo_nao_suportado"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn finish(
    State(app): State<Arc<AppState>>,
    Path(SessionPath { id: posto_id, carregamento_id: id }): Path<SessionPath>,
    RawJson(body): RawJson,
) -> Result<Json<Carregamento>, HttpError> {
    let energia_fornecida = body::energia(&body)?;
    let edit = Edit::FinishCarregamento { posto_id, id, energia_fornecida };
    write_and_show(&app, posto_id, edit).await
}
