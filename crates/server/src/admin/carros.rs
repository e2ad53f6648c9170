//! The carros that this servidor knows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Moment, Placa, Rejection};
use protocol::{ErrorReply, OrDefault, Timestamp, fields};
use serde::Serialize;
use service::{HttpError, Params};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::author::By;
use super::page::{PageSize, page};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::{Audited, CarroRow, ForgetCarro};

pub(super) fn router() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get, forget))
}

/// Um carro, como se sabe dele pelas reservas e por suas próprias mensagens.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
    "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "em_carregamento": false,
    "atualizado_em": "2026-11-23T12:00:00.000Z"
}))]
pub(super) struct Carro {
    /// Placa.
    placa: String,
    /// Marca e modelo.
    modelo: String,
    /// Capacidade da bateria, em kWh.
    capacidade_bateria: f64,
    /// Energia na bateria, em kWh, segundo a última notícia.
    nivel_bateria_atual: f64,
    /// Consumo, em kWh por km.
    taxa_descarga: f64,
    /// Se está carregando, segundo a última notícia.
    em_carregamento: bool,
    /// Quando se soube algo dele pela última vez.
    atualizado_em: Timestamp,
}

impl From<CarroRow> for Carro {
    fn from(record: CarroRow) -> Self {
        Self {
            placa: record.placa,
            modelo: record.modelo,
            capacidade_bateria: record.capacidade_bateria,
            nivel_bateria_atual: record.nivel_bateria_atual,
            taxa_descarga: record.taxa_descarga,
            em_carregamento: record.em_carregamento,
            atualizado_em: Moment::from_millis(record.updated_at).into(),
        }
    }
}

/// Uma página de carros.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"carros": [{
    "placa": "ABC1234", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
    "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "em_carregamento": false,
    "atualizado_em": "2026-11-23T12:00:00.000Z"
}], "proxima": null}))]
pub(super) struct CarrosPage {
    /// Por placa.
    carros: Vec<Carro>,
    /// Valor de `apos` para a próxima página; nulo na última.
    proxima: Option<String>,
}

fields! {
    pub(super) struct CarrosQuery {
        /// Somente as placas depois desta.
        apos: Option<Placa>,
        /// Quantos no máximo.
        limite: OrDefault<PageSize>,
    }
}

fields! {
    pub(super) struct CarroPath {
        /// Placa do carro.
        placa: Placa,
    }
}

/// Lista os carros conhecidos.
///
/// Por placa.
#[utoipa::path(get, path = "/carros", operation_id = "list_carros",
    tag = "carros", params(CarrosQuery), responses(
    (status = 200, body = CarrosPage, description = "Uma página de carros"),
))]
async fn list(
    State(app): State<Arc<AppState>>,
    Params(CarrosQuery { apos, limite: OrDefault(limite) }): Params<CarrosQuery>,
) -> Result<Json<CarrosPage>, HttpError> {
    let found =
        app.read(app.store.carros(apos.as_ref().map(Placa::as_str), limite.with_next())).await?;
    let (found, proxima) = page(found, limite, |carro| carro.placa.clone());
    Ok(Json(CarrosPage { carros: found.into_iter().map(Carro::from).collect(), proxima }))
}

/// Mostra um carro.
///
/// Como se sabe dele pelas reservas e por suas próprias mensagens.
#[utoipa::path(get, path = "/carros/{placa}", operation_id = "get_carro", tag = "carros",
    params(CarroPath),
    responses(
        (status = 200, body = Carro, description = "O carro"),
        (status = 404, body = ErrorReply, description = "carro_inexistente"),
    )
)]
async fn get(
    State(app): State<Arc<AppState>>,
    Params(CarroPath { placa }): Params<CarroPath>,
) -> Result<Json<Carro>, HttpError> {
    let found = app.read(app.store.carro(placa.as_str())).await?;
    let missing = || {
        let server_id = app.server_id.to_string();
        Failure::Rejected(Rejection::CarroInexistente { placa: placa.clone(), server_id })
    };
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// Esquece um carro.
///
/// A placa dele deixa as reservas, os carregamentos, as recusas e, minutos depois, o arquivo do banco;
/// o que se reservou, forneceu e pagou fica, sem dizer de quem. As requisições dele passam a ser
/// desconhecidas. Cópias feitas antes ainda o têm.
#[utoipa::path(delete, path = "/carros/{placa}", operation_id = "forget_carro", tag = "carros",
    params(CarroPath),
    responses(
        (status = 204, description = "Foi esquecido"),
        (status = 404, body = ErrorReply, description = "carro_inexistente"),
        (status = 409, body = ErrorReply, description = "carro_em_uso"),
    )
)]
async fn forget(
    State(app): State<Arc<AppState>>,
    By(by): By,
    Params(CarroPath { placa }): Params<CarroPath>,
) -> Result<StatusCode, HttpError> {
    let refusals = app.read(app.store.refusals_of(&placa)).await?;
    let command = ForgetCarro { placa, refusals };
    app.write(Audited { by, command }).await?;
    Ok(StatusCode::NO_CONTENT)
}
