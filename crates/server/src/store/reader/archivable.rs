//! Finds what may be archived, so that the writer need not search for it.

use std::time::Duration;

use domain::{DAY, Moment};

use crate::failpoints;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::reservas::old_enough;
use crate::store::rows::{self, row};

/// Rows of a table that one query looks at. No index leads to what is old: every reservation would pay
/// for it.
const WINDOW: i64 = 4096;

/// How long ago a row must have ended to be archived: a month. Few ask for what is older, and what a
/// late report or a clock that is set back can change is younger.
const ARCHIVE_AGE: Duration = DAY.saturating_mul(30);

/// Gives the age at which rows are archived, which tests shorten.
pub(crate) fn archive_age() -> Duration {
    failpoints::archive_age(ARCHIVE_AGE)
}

/// What ended at a moment or before, among some rows of each table.
#[derive(Debug, Clone, Default)]
pub struct Archivable {
    pub reservas: Vec<i64>,
    pub carregamentos: Vec<i64>,
    /// The last rows that were looked at.
    seen_reserva: i64,
    seen_carregamento: i64,
}

impl Archivable {
    /// Whether both tables were looked at to their ends.
    pub fn is_last(&self) -> bool {
        self.seen_reserva.min(self.seen_carregamento) == i64::MAX
    }
}

row! {
    struct WindowRow {
        /// `None` after the end of the table.
        last: Option<i64>,
        ids: String,
    }
}

impl Store {
    /// What ended at `cutoff` or before, among the rows that follow those of the `last` look.
    pub async fn archivable(
        &self,
        cutoff: Moment,
        last: &Archivable,
    ) -> Result<Archivable, StoreError> {
        let look = async |sql: &'static str, seen: i64| {
            let row = sqlx::query_as::<_, WindowRow>(sql);
            let row = row.bind(cutoff.as_millis()).bind(seen).bind(WINDOW);
            let WindowRow { last, ids } = row.fetch_one(&self.readers).await?;
            Ok::<_, StoreError>((rows::ids(&ids)?, last.unwrap_or(i64::MAX)))
        };
        let (reservas, seen_reserva) = look(
            concat!(
                "SELECT max(id) AS last, json_group_array(id) FILTER (WHERE ",
                old_enough!("?1"),
                ") AS ids FROM (SELECT * FROM reservas WHERE id > ?2 ORDER BY id LIMIT ?3)"
            ),
            last.seen_reserva,
        )
        .await?;
        let (carregamentos, seen_carregamento) = look(
            "SELECT max(id) AS last, json_group_array(id) FILTER (WHERE fim <= ?1) AS ids
             FROM (SELECT id, fim FROM carregamentos WHERE id > ?2 ORDER BY id LIMIT ?3)",
            last.seen_carregamento,
        )
        .await?;
        Ok(Archivable { reservas, carregamentos, seen_reserva, seen_carregamento })
    }
}
