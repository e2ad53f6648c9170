//! Lists of charging sessions: of a posto, and of all.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Moment, Placa, RowId};
use protocol::{ErrorReply, OrDefault, fields};
use serde::Serialize;
use service::{HttpError, Params, Path};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Carregamento, CarregamentoStatus};
use crate::admin::page::{PageSize, check_order, page};
use crate::admin::path::PostoPath;
use crate::app_state::AppState;
use crate::store::CarregamentosQuery;

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_all))
}

/// Uma página de carregamentos.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"carregamentos": [{
    "id": 1, "posto_id": 6, "placa": "ABC1234", "status": "encerrado",
    "inicio": "2026-11-23T12:00:00.000Z", "preco_kwh": 2.5, "fim": "2026-11-23T12:50:00.000Z",
    "energia_fornecida": 18.4, "custo": 46.0, "reserva_id": 17, "corrigido_em": null
}], "proxima": null}))]
struct CarregamentosPage {
    /// Do maior número para o menor.
    carregamentos: Vec<Carregamento>,
    /// Valor de `antes_de` para a próxima página; nulo na última.
    proxima: Option<i64>,
}

fields! {
    pub(super) struct CarregamentosParams {
        /// Somente os de número menor que este.
        antes_de: Option<RowId>,
        /// Quantos no máximo.
        limite: OrDefault<PageSize>,
    }
}

/// Lista os carregamentos de um posto.
///
/// Também os de um posto que foi removido. Do maior número para o menor: um que foi informado depois
/// vem antes dos que foram registrados antes dele, ainda que tenha começado antes.
#[utoipa::path(get, path = "/postos/{id}/carregamentos", operation_id = "list_carregamentos",
    tag = "carregamentos",
    params(PostoPath, CarregamentosParams),
    responses(
        (status = 200, body = CarregamentosPage, description = "Uma página de carregamentos"),
        (status = 404, body = ErrorReply, description = "posto_inexistente"),
    )
)]
async fn list(
    State(app): State<Arc<AppState>>,
    Path(PostoPath { id: posto_id }): Path<PostoPath>,
    Params(CarregamentosParams { antes_de, limite }): Params<CarregamentosParams>,
) -> Result<Json<CarregamentosPage>, HttpError> {
    app.check_had_posto(posto_id).await?;
    let query = CarregamentosQuery {
        posto_id: Some(posto_id),
        before: antes_de.map(RowId::get),
        ..CarregamentosQuery::default()
    };
    read_page(&app, query, limite.0).await
}

fields! {
    pub(in crate::admin) struct CarregamentosFilter {
        /// Placa do carro.
        placa: Option<Placa>,
        /// Somente os deste posto, também de um que foi removido.
        posto_id: Option<RowId>,
        /// Somente os que começaram neste instante ou depois.
        de: Option<Moment>,
        /// Somente os que começaram antes deste instante.
        ate: Option<Moment>,
        /// Somente os que terminaram neste instante ou depois.
        fim_de: Option<Moment>,
        /// Somente os que terminaram antes deste instante. Com `fim_de`, os que as estatísticas contam
        /// no mesmo período.
        fim_ate: Option<Moment>,
    }
    rules |raw| {
        check_order(&mut raw.de, ("ate", &raw.ate));
        check_order(&mut raw.fim_de, ("fim_ate", &raw.fim_ate));
    }
}

impl CarregamentosFilter {
    /// What it selects, of ids before this one.
    pub(in crate::admin) fn query(self, before: Option<i64>) -> CarregamentosQuery {
        let Self { placa, posto_id, de, ate, fim_de, fim_ate } = self;
        CarregamentosQuery {
            posto_id: posto_id.map(RowId::get),
            placa: placa.map(|placa| placa.as_str().to_owned()),
            from: de,
            until: ate,
            ended_from: fim_de,
            ended_until: fim_ate,
            before,
            ..CarregamentosQuery::default()
        }
    }
}

fields! {
    pub(super) struct AllCarregamentosParams {
        /// Somente os que estão nesta situação.
        status: Option<CarregamentoStatus>,
        /// Quais carregamentos.
        filter: CarregamentosFilter,
        /// Somente os de número menor que este.
        antes_de: Option<RowId>,
        /// Quantos no máximo.
        limite: OrDefault<PageSize>,
    }
}

/// Lista os carregamentos.
///
/// De todos os postos, também dos removidos. Do maior número para o menor: um que foi informado depois
/// vem antes dos que foram registrados antes dele, ainda que tenha começado antes.
#[utoipa::path(get, path = "/carregamentos", operation_id = "list_all_carregamentos",
    tag = "carregamentos", params(AllCarregamentosParams), responses(
    (status = 200, body = CarregamentosPage, description = "Uma página de carregamentos"),
))]
async fn list_all(
    State(app): State<Arc<AppState>>,
    Params(params): Params<AllCarregamentosParams>,
) -> Result<Json<CarregamentosPage>, HttpError> {
    let AllCarregamentosParams { status, filter, antes_de, limite } = params;
    let query = CarregamentosQuery {
        is_open: status.map(|status| status == CarregamentoStatus::Ativo),
        ..filter.query(antes_de.map(RowId::get))
    };
    read_page(&app, query, limite.0).await
}

async fn read_page(
    app: &AppState,
    query: CarregamentosQuery,
    limite: PageSize,
) -> Result<Json<CarregamentosPage>, HttpError> {
    let query = CarregamentosQuery { limit: limite.with_next(), ..query };
    let found = app.read(app.store.carregamentos(&query, app.now())).await?;
    let (found, proxima) = page(found, limite, |session| session.id);
    let carregamentos = found.into_iter().map(Carregamento::from).collect();
    Ok(Json(CarregamentosPage { carregamentos, proxima }))
}
