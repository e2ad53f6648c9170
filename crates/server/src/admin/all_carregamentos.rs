//! The charging sessions of all postos.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Moment, Placa, RowId};
use protocol::{OrDefault, fields};
use service::{HttpError, Params};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::carregamentos::{Carregamento, CarregamentosPage};
use super::page::{PageSize, page};
use crate::app_state::AppState;
use crate::store::CarregamentosQuery;

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list_all))
}

fields! {
    pub(super) struct AllCarregamentosParams {
        /// Placa do carro.
        placa: Option<Placa>,
        /// Somente os deste posto, também de um que foi removido.
        posto_id: Option<RowId>,
        /// Somente os que começaram neste instante ou depois.
        de: Option<Moment>,
        /// Somente os que começaram antes deste instante.
        ate: Option<Moment>,
        /// Somente os de número menor que este.
        antes_de: Option<RowId>,
        /// Quantos no máximo.
        limite: OrDefault<PageSize>,
    }
}

/// Lista os carregamentos.
///
/// De todos os postos, do mais novo para o mais velho.
#[utoipa::path(get, path = "/carregamentos", operation_id = "list_all_carregamentos",
    tag = "carregamentos", params(AllCarregamentosParams), responses(
    (status = 200, body = CarregamentosPage, description = "Uma página de carregamentos"),
))]
async fn list_all(
    State(app): State<Arc<AppState>>,
    Params(params): Params<AllCarregamentosParams>,
) -> Result<Json<CarregamentosPage>, HttpError> {
    let limite = params.limite.0;
    let query = CarregamentosQuery {
        posto_id: params.posto_id.map(RowId::get),
        placa: params.placa.map(|placa| placa.as_str().to_owned()),
        from: params.de,
        until: params.ate,
        before: params.antes_de.map(RowId::get),
        limit: limite.with_next(),
    };
    let found = app.read(app.store.all_carregamentos(&query)).await?;
    let (found, proxima) = page(found, limite, |session| session.id);
    let carregamentos = found.into_iter().map(Carregamento::from).collect();
    Ok(Json(CarregamentosPage { carregamentos, proxima }))
}
