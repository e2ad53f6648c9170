//! Finds what is to be forgotten, so that the writer need not search for it.

use domain::{Moment, Placa};

use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::reservas::{awaiting_a_session, over_at};

/// Rows that are forgotten in one transaction.
const MAX_ROWS: i64 = 512;

/// Refused requests of a carro.
#[derive(Debug, Clone, Default)]
pub struct RefusalIds {
    pub ids: Vec<i64>,
    /// The newest row of the table then; later ones were not looked at.
    pub up_to: i64,
}

/// Rows that ended before a moment and are not forgotten yet; as many as one transaction takes.
#[derive(Debug, Clone, Default)]
pub struct ForgettableRows {
    pub reservas: Vec<i64>,
    pub carregamentos: Vec<i64>,
    pub refusals: Vec<i64>,
    /// Of which nothing is left.
    pub carros: Vec<String>,
    /// The last rows that were looked at.
    seen: LastIds,
}

#[derive(Debug, Clone, Copy, Default)]
struct LastIds {
    reservas: i64,
    carregamentos: i64,
    refusals: i64,
}

impl ForgettableRows {
    pub fn is_empty(&self) -> bool {
        let Self { reservas, carregamentos, refusals, carros, .. } = self;
        reservas.is_empty() && carregamentos.is_empty() && refusals.is_empty() && carros.is_empty()
    }
}

impl Store {
    /// The refused requests of a carro; no index leads to them.
    pub async fn refusals_of(&self, placa: &Placa) -> Result<RefusalIds, StoreError> {
        let up_to = sqlx::query_scalar("SELECT COALESCE(max(seq), 0) FROM refusals");
        let up_to = up_to.fetch_one(&self.readers).await?;
        let ids = sqlx::query_scalar("SELECT seq FROM refusals WHERE placa = ?1 AND seq <= ?2");
        let ids = ids.bind(placa.as_str()).bind(up_to);
        Ok(RefusalIds { ids: ids.fetch_all(&self.readers).await?, up_to })
    }

    /// What ended at `cutoff` or before, after what was forgotten `last`.
    pub async fn ended(
        &self,
        cutoff: Moment,
        last: &ForgettableRows,
    ) -> Result<ForgettableRows, StoreError> {
        let cutoff = cutoff.as_millis();
        let mut seen = last.seen;
        // What was looked at needs no second look.
        let ids = async |sql: &'static str, seen: &mut i64| {
            let found = sqlx::query_scalar(sql).bind(cutoff).bind(*seen).bind(MAX_ROWS);
            let found: Vec<i64> = found.fetch_all(&self.readers).await?;
            let is_full = found.len() as i64 == MAX_ROWS;
            *seen = found.last().copied().filter(|_| is_full).unwrap_or(i64::MAX);
            Ok::<_, StoreError>(found)
        };
        let mut ended = ForgettableRows {
            reservas: ids(
                concat!(
                    "SELECT id FROM all_reservas WHERE id > ?2 AND placa IS NOT NULL AND ",
                    over_at!(),
                    " <= ?1 AND id NOT IN (",
                    awaiting_a_session!("reservas"),
                    " UNION ALL ",
                    awaiting_a_session!("archived_reservas"),
                    ") ORDER BY id LIMIT ?3"
                ),
                &mut seen.reservas,
            )
            .await?,
            carregamentos: ids(
                "SELECT id FROM all_carregamentos
                 WHERE id > ?2 AND placa IS NOT NULL AND fim <= ?1 ORDER BY id LIMIT ?3",
                &mut seen.carregamentos,
            )
            .await?,
            refusals: ids(
                "SELECT seq FROM refusals WHERE seq > ?2 AND decided_at <= ?1
                 ORDER BY seq LIMIT ?3",
                &mut seen.refusals,
            )
            .await?,
            carros: Vec::new(),
            seen: LastIds::default(),
        };
        ended.seen = seen;
        if ended.is_empty() {
            ended.carros = sqlx::query_scalar(
                "SELECT placa FROM carros AS c WHERE updated_at <= ?1
                   AND NOT EXISTS (SELECT 1 FROM all_reservas AS r WHERE r.placa = c.placa)
                   AND NOT EXISTS (SELECT 1 FROM all_carregamentos AS s WHERE s.placa = c.placa)
                 LIMIT ?2",
            )
            .bind(cutoff)
            .bind(MAX_ROWS)
            .fetch_all(&self.readers)
            .await?;
        }
        Ok(ended)
    }

    /// Whether pages of the file may still hold what was forgotten.
    pub async fn vacuum_is_due(&self) -> Result<bool, StoreError> {
        let due = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM vacuum_due)");
        Ok(due.fetch_one(&self.readers).await?)
    }
}
