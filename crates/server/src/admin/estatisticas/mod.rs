//! What happened at the postos over time, in numbers.

mod answer;
mod period;
mod rows;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use domain::RowId;
use protocol::{ErrorReply, OrDefault, fields};
use service::{HttpError, Params};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::answer::Estatisticas;
use self::period::Period;
use self::rows::{COLUMNS, cells};
use super::file::{file, parts};
use crate::app_state::AppState;
use crate::store::{Statistics, StatisticsQuery};
use crate::table::{Dialect, Table};

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(export))
}

fields! {
    pub(super) struct EstatisticasParams {
        /// De quando, em que passos, e de que posto.
        period: Period,
        /// Se o período inteiro vem também de cada posto.
        por_posto: OrDefault<bool>,
    }
}

fields! {
    pub(super) struct EstatisticasFile {
        /// De quando, em que passos, e de que posto.
        period: Period,
        /// `excel`: como o Excel em português lê e escreve, com `;` e vírgula decimal.
        formato: OrDefault<Dialect>,
    }
}

/// Conta o que aconteceu nos postos.
///
/// Por período e por passo: horas reservadas e de carregamento, reservas feitas e como terminaram,
/// energia, valor e recusas. Conta também o que já foi apagado ou esquecido, e os postos removidos; o
/// que ainda não aconteceu não conta. Sem `de` são os últimos 7 dias.
///
/// O período vai do começo da hora de `de` ao fim da hora de `ate`: a resposta diz de quando até quando.
/// Horas contam quando passam, uma reserva quando é feita e quando muda de situação, e um carregamento
/// quando termina, com toda a sua energia e o seu custo.
#[utoipa::path(get, path = "/estatisticas", operation_id = "get_estatisticas",
    tag = "estatisticas", params(EstatisticasParams), responses(
    (status = 200, body = Estatisticas, description = "O que aconteceu"),
    (status = 404, body = ErrorReply, description = "posto_inexistente"),
))]
async fn get(
    State(app): State<Arc<AppState>>,
    Params(EstatisticasParams { period, por_posto }): Params<EstatisticasParams>,
) -> Result<Json<Estatisticas>, HttpError> {
    let (passo, fuso) = (period.passo.0, period.fuso.0);
    let (query, counted) = count(&app, period, por_posto.0).await?;
    Ok(Json(Estatisticas::new(&query.steps, passo, fuso, counted)))
}

/// Exporta em CSV o que aconteceu nos postos.
///
/// Uma linha por passo, com o mesmo que `GET /estatisticas`; das recusas só quantas foram.
#[utoipa::path(get, path = "/estatisticas.csv", operation_id = "export_estatisticas",
    tag = "estatisticas", params(EstatisticasFile), responses(
    (status = 200, body = String, content_type = "text/csv", description = "O que aconteceu",
        example = json!("de,ate,horas_de_posto,horas_em_servico,horas_em_manutencao,\
            horas_fora_de_servico,horas_reservadas,horas_carregando,ocupacao,utilizacao,\
            reservas_feitas,reservas_cumprida,reservas_encerrada,reservas_nao_compareceu,\
            reservas_cancelada,carregamentos,energia_fornecida,custo,recusas\r\n\
            2026-11-22T03:00:00.000Z,2026-11-23T03:00:00.000Z,48,46.5,1.5,0,20.25,8.5,0.4355,0.1828,\
            9,6,1,1,1,7,129.4,323.5,2\r\n")),
    (status = 404, body = ErrorReply, description = "posto_inexistente"),
))]
async fn export(
    State(app): State<Arc<AppState>>,
    Params(EstatisticasFile { period, formato }): Params<EstatisticasFile>,
) -> Result<Response, HttpError> {
    let dialect = formato.0;
    let (query, counted) = count(&app, period, false).await?;
    let steps: Vec<_> = query.steps.iter().zip(counted.steps).collect();
    let rows = parts(dialect, steps.into_iter(), |table, ((begin, end), counted)| {
        table.row(&cells(*begin, *end, counted));
    });
    Ok(file(&app, "estatisticas", Table::head(dialect, &COLUMNS), rows))
}

async fn count(
    app: &AppState,
    period: Period,
    by_posto: bool,
) -> Result<(StatisticsQuery, Statistics), HttpError> {
    let posto_id = period.posto_id.map(RowId::get);
    let query = StatisticsQuery { steps: period.steps(app.now())?, posto_id, by_posto };
    if let Some(posto_id) = posto_id {
        app.check_had_posto(posto_id).await?;
    }
    let counted = app.read(app.store.statistics(query.clone())).await?;
    Ok((query, counted))
}
