//! Rows as they are stored. Readers read them with sqlx, the writer and statistics with rusqlite.

pub(super) mod carros;
pub(super) mod postos;
pub(super) mod reservas;
pub(super) mod statistics;

use domain::{Interval, Moment, Placa};

use crate::store::error::StoreError;

/// Declares a struct whose fields are read, with sqlx and with rusqlite, from the columns of the
/// same names. A last field after `..` is another such struct, read from the same row. The fields
/// are the one list of columns: statements select `*`. (sqlx's derive macros would compile SQLite
/// a second time, to run inside the compiler.)
macro_rules! row {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $row:ident {
            $($(#[$field_attribute:meta])* $field_visibility:vis $field:ident: $type:ty,)*
            $(..$inner_visibility:vis $inner:ident: $inner_type:ty,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility struct $row {
            $($(#[$field_attribute])* $field_visibility $field: $type,)*
            $($inner_visibility $inner: $inner_type,)?
        }

        impl sqlx::FromRow<'_, sqlx::sqlite::SqliteRow> for $row {
            fn from_row(row: &sqlx::sqlite::SqliteRow) -> sqlx::Result<Self> {
                Ok(Self {
                    $($field: sqlx::Row::try_get(row, stringify!($field))?,)*
                    $($inner: sqlx::FromRow::from_row(row)?,)?
                })
            }
        }

        impl TryFrom<&rusqlite::Row<'_>> for $row {
            type Error = rusqlite::Error;

            fn try_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
                Ok(Self {
                    $($field: row.get(stringify!($field))?,)*
                    $($inner: row.try_into()?,)?
                })
            }
        }
    };
}
pub(super) use row;

/// For a statement that takes any number of values.
pub(super) fn json<T: serde::Serialize>(values: &[T]) -> Result<String, StoreError> {
    serde_json::to_string(values).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Reads what `json_group_array(id)` has written.
pub(super) fn ids(json: &str) -> Result<Vec<i64>, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Corrupt(error.to_string()))
}

pub(super) fn placa(text: &str) -> Result<Placa, StoreError> {
    // The text is not shown: it may be a placa all the same, and errors are logged.
    Placa::new(text).map_err(|_| StoreError::Corrupt("placa".to_owned()))
}

pub(super) fn interval(inicio: i64, fim: i64) -> Result<Interval, StoreError> {
    Interval::new(Moment::from_millis(inicio), Moment::from_millis(fim))
        .map_err(|_| StoreError::Corrupt(format!("interval {inicio} to {fim}")))
}
