//! Rows as they are stored, and what they mean.

use domain::{Interval, Moment, Placa, Reserva, ReservaState};
use sqlx::FromRow;

use super::StoreError;

/// A posto as listings show it.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct PostoRecord {
    /// Its number.
    pub id: i64,
    /// Name shown to drivers.
    pub nome: String,
    /// `latitude,longitude`.
    pub localizacao: String,
    /// Most power, in kW.
    pub potencia_maxima: f64,
    /// Connector.
    pub tipo_conector: String,
    /// Price of a kWh, in BRL.
    pub preco_kwh: f64,
    /// Whether it can be used at the moment asked about.
    pub disponivel: bool,
    /// Whether it is in maintenance.
    pub em_manutencao: bool,
}

/// A row of `reservas`, with names that a join can tell apart.
#[derive(Debug, FromRow)]
pub(super) struct ReservaRow {
    id: i64,
    request_id: String,
    posto_id: i64,
    placa: String,
    inicio: i64,
    fim: i64,
    status: String,
}

pub(super) fn placa(text: &str) -> Result<Placa, StoreError> {
    Placa::new(text).map_err(|_| StoreError::Corrupt(format!("placa {text:?}")))
}

pub(super) fn interval(inicio: i64, fim: i64) -> Result<Interval, StoreError> {
    Interval::new(Moment::from_millis(inicio), Moment::from_millis(fim))
        .map_err(|_| StoreError::Corrupt(format!("interval {inicio} to {fim}")))
}

/// The word a state is stored as, the same as on the wire.
pub(super) fn state_word(state: ReservaState) -> &'static str {
    match state {
        ReservaState::Ativa => "ativa",
        ReservaState::Cancelada => "cancelada",
        ReservaState::Encerrada => "encerrada",
    }
}

impl TryFrom<ReservaRow> for Reserva {
    type Error = StoreError;

    fn try_from(row: ReservaRow) -> Result<Self, StoreError> {
        let state = match row.status.as_str() {
            "ativa" => ReservaState::Ativa,
            "cancelada" => ReservaState::Cancelada,
            "encerrada" => ReservaState::Encerrada,
            other => return Err(StoreError::Corrupt(format!("status {other:?}"))),
        };
        Ok(Self {
            id: row.id,
            request_id: row.request_id,
            posto_id: row.posto_id,
            placa: placa(&row.placa)?,
            interval: interval(row.inicio, row.fim)?,
            state,
        })
    }
}

/// Rows for `json_each`, with which one statement reads or writes a whole batch.
pub(super) fn json<T: serde::Serialize>(rows: &T) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::Corrupt(error.to_string()))
}
