//! The carros this servidor knows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Moment, Placa, Rejection};
use protocol::{Checker, ErrorReply, Loose, Timestamp};
use serde::Serialize;
use service::{HttpError, Path, QueryParams};
use utoipa::{IntoParams, ToSchema};

use super::{page, page_size};
use crate::app_state::AppState;
use crate::failure::Failure;
use crate::store::CarroRecord;
use crate::wire;

/// A carro as it is known from its reservas and its own messages.
#[derive(Serialize, ToSchema)]
pub(super) struct Carro {
    /// Licence plate.
    placa: String,
    /// Make and model.
    modelo: String,
    /// Battery capacity in kWh.
    capacidade_bateria: f64,
    /// Energy in the battery, in kWh, as last said.
    nivel_bateria_atual: f64,
    /// Consumption in kWh per km.
    taxa_descarga: f64,
    /// Whether it is charging, as last said.
    em_carregamento: bool,
    /// When anything of this was last said.
    atualizado_em: Timestamp,
}

impl From<CarroRecord> for Carro {
    fn from(record: CarroRecord) -> Self {
        Self {
            placa: record.placa,
            modelo: record.modelo,
            capacidade_bateria: record.capacidade_bateria,
            nivel_bateria_atual: record.nivel_bateria_atual,
            taxa_descarga: record.taxa_descarga,
            em_carregamento: record.em_carregamento,
            atualizado_em: wire::timestamp(Moment::from_millis(record.updated_at)),
        }
    }
}

/// A page of carros.
#[derive(Serialize, ToSchema)]
pub(super) struct Carros {
    /// By placa.
    carros: Vec<Carro>,
    /// Value of `apos` for the next page; null on the last.
    proxima: Option<String>,
}

/// Which page of carros.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // Read by name through QueryParams; here for the documentation.
pub(super) struct CarrosParams {
    /// Only placas after this one.
    #[param(nullable = false)]
    apos: Option<String>,
    /// At most so many, from 1 to 500; by default 50.
    #[param(minimum = 1, maximum = 500, nullable = false)]
    limite: Option<i64>,
}

/// Lista os carros conhecidos.
#[utoipa::path(get, path = "/carros", operation_id = "list_carros",
    tag = "carros", params(CarrosParams), responses(
    (status = 200, body = Carros, description = "Uma página de carros"),
    (status = 422, body = ErrorReply, description = "requisicao_invalida"),
))]
pub(super) async fn list(
    State(app): State<Arc<AppState>>,
    mut params: QueryParams,
) -> Result<Json<Carros>, HttpError> {
    let mut checker = Checker::new();
    let after = params.text(&mut checker, "apos");
    let limite = params.integer(&mut checker, "limite");
    let limite = page_size(&mut checker, limite);
    checker.finish(Some(()))?;
    let found = app.store.carros(after.as_deref(), limite + 1).await;
    let found = found.map_err(|error| app.read_error(&error))?;
    let (found, proxima) = page(found, limite, |carro| carro.placa.clone());
    Ok(Json(Carros { carros: found.into_iter().map(Carro::from).collect(), proxima }))
}

/// Mostra um carro.
#[utoipa::path(get, path = "/carros/{placa}", operation_id = "get_carro", tag = "carros",
    params(("placa" = String, Path, description = "Placa do carro", min_length = 5,
        max_length = 64, pattern = r"^[ -]*([A-Za-z0-9][ -]*){5,8}$")),
    responses(
        (status = 200, body = Carro, description = "O carro"),
        (status = 404, body = ErrorReply, description = "carro_inexistente"),
        (status = 422, body = ErrorReply, description = "requisicao_invalida"),
    )
)]
pub(super) async fn get(
    State(app): State<Arc<AppState>>,
    Path(placa): Path<String>,
) -> Result<Json<Carro>, HttpError> {
    let mut checker = Checker::new();
    let placa = checker.placa("placa", Loose::Value(placa));
    let placa = checker.finish(placa.and_then(|text| Placa::new(&text).ok()))?;
    let found = app.store.carro(placa.as_str()).await;
    let found = found.map_err(|error| app.read_error(&error))?;
    let missing = || {
        let servidor = app.server_id.as_str().to_owned();
        Failure::Rejected(Rejection::CarroInexistente { placa: placa.clone(), servidor })
    };
    Ok(Json(found.ok_or_else(missing)?.into()))
}
