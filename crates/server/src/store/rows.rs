//! Rows as they are stored, and what they mean.

use super::StoreError;
use domain::{Interval, Moment, Placa, Reserva, ReservaState};
use serde::Deserialize;

/// Reads a struct from the columns that have the names of its fields; those after `then` from
/// all columns, as a row within the row. (The library's own derive would build SQLite a second
/// time, for the compiler.)
macro_rules! from_row {
    ($row:ident { $($field:ident),* $(,)? } $(then { $($inner:ident),* })?) => {
        impl sqlx::FromRow<'_, sqlx::sqlite::SqliteRow> for $row {
            fn from_row(row: &sqlx::sqlite::SqliteRow) -> sqlx::Result<Self> {
                Ok(Self {
                    $($field: sqlx::Row::try_get(row, stringify!($field))?,)*
                    $($($inner: sqlx::FromRow::from_row(row)?,)*)?
                })
            }
        }
    };
}
pub(super) use from_row;

/// A posto as listings show it.
#[derive(Debug, Clone, PartialEq)]
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

from_row!(PostoRecord {
    id,
    nome,
    localizacao,
    potencia_maxima,
    tipo_conector,
    preco_kwh,
    disponivel,
    em_manutencao
});

/// A row of `reservas`, with names that a join can tell apart.
#[derive(Debug, Deserialize)]
pub(super) struct ReservaRow {
    id: i64,
    request_id: String,
    posto_id: i64,
    placa: String,
    inicio: i64,
    fim: i64,
    status: String,
}

from_row!(ReservaRow { id, request_id, posto_id, placa, inicio, fim, status });

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

/// Rows that SQLite has written as one JSON text.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A boolean as SQLite stores it, 0 or 1.
pub(super) fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(u8::deserialize(deserializer)? != 0)
}

/// Rows for `json_each`, with which one statement reads or writes a whole batch.
pub(super) fn json<T: serde::Serialize>(rows: &T) -> Result<String, StoreError> {
    serde_json::to_string(rows).map_err(|error| StoreError::Corrupt(error.to_string()))
}
