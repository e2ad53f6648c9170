//! Rows as they are stored, and what they mean. Readers and the writer each have a library of
//! their own to read them with.

use domain::{Carregamento, Finished, Interval, Kwh, Moment, Placa, Price, Reserva, ReservaState};

use super::StoreError;

/// Reads a struct from the columns that have the names of its fields; those after `then` from
/// all columns, as a row within the row. (The libraries' own derives would build SQLite a second
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

        impl TryFrom<&rusqlite::Row<'_>> for $row {
            type Error = rusqlite::Error;

            fn try_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self {
                    $($field: row.get(stringify!($field))?,)*
                    $($($inner: row.try_into()?,)*)?
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

/// A row of `reservas`.
#[derive(Debug)]
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

impl TryFrom<ReservaRow> for Reserva {
    type Error = StoreError;

    fn try_from(row: ReservaRow) -> Result<Self, StoreError> {
        let state = ReservaState::parse(&row.status)
            .map_err(|_| StoreError::Corrupt(format!("status {:?}", row.status)))?;
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

/// A row of `carregamentos`.
pub(super) struct CarregamentoRow {
    id: i64,
    posto_id: i64,
    placa: String,
    inicio: i64,
    preco_kwh: f64,
    fim: Option<i64>,
    energia_fornecida: Option<f64>,
    custo: Option<f64>,
}

from_row!(CarregamentoRow {
    id,
    posto_id,
    placa,
    inicio,
    preco_kwh,
    fim,
    energia_fornecida,
    custo
});

impl CarregamentoRow {
    /// Selects the session with a number at a posto.
    pub(super) const SELECT: &str =
        "SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo
         FROM carregamentos WHERE id = ?1 AND posto_id = ?2";
}

impl TryFrom<CarregamentoRow> for Carregamento {
    type Error = StoreError;

    fn try_from(row: CarregamentoRow) -> Result<Self, StoreError> {
        let corrupt = |_| StoreError::Corrupt(format!("amounts of carregamento {}", row.id));
        let finished = match (row.fim, row.energia_fornecida, row.custo) {
            (Some(fim), Some(energy), Some(custo)) => Some(Finished {
                fim: Moment::from_millis(fim),
                energia_fornecida: Kwh::new(energy).map_err(corrupt)?,
                custo,
            }),
            _ => None,
        };
        Ok(Self {
            id: row.id,
            posto_id: row.posto_id,
            placa: placa(&row.placa)?,
            inicio: Moment::from_millis(row.inicio),
            preco_kwh: Price::new(row.preco_kwh).map_err(corrupt)?,
            finished,
        })
    }
}

pub(super) fn placa(text: &str) -> Result<Placa, StoreError> {
    Placa::new(text).map_err(|_| StoreError::Corrupt(format!("placa {text:?}")))
}

pub(super) fn interval(inicio: i64, fim: i64) -> Result<Interval, StoreError> {
    Interval::new(Moment::from_millis(inicio), Moment::from_millis(fim))
        .map_err(|_| StoreError::Corrupt(format!("interval {inicio} to {fim}")))
}
