//! Reservas and charging sessions, page by page. A page is read from the number at which the one before it
//! ended; where a filter selects few, SQLite reads down to the first, of the archive only if it may have one.

use domain::{Carregamento, Moment, ReservaState};

use super::archivable::archive_age;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::carros::CarregamentoRow;
use crate::store::rows::reservas::{ReservaRow, ReservaView, state_at};

/// Which reservas to list, newest first; a field that is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub struct ReservasQuery {
    pub status: Option<ReservaState>,
    pub placa: Option<String>,
    pub posto_id: Option<i64>,
    /// Only those whose interval ends later than this moment.
    pub from: Option<Moment>,
    /// Only those whose interval begins before this moment.
    pub until: Option<Moment>,
    /// Only those with a smaller id, for the next page.
    pub before: Option<i64>,
    pub limit: i64,
}

/// Which charging sessions to list; a field that is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub struct CarregamentosQuery {
    pub posto_id: Option<i64>,
    pub placa: Option<String>,
    /// Only those that began at this moment or later.
    pub from: Option<Moment>,
    /// Only those that began before this moment.
    pub until: Option<Moment>,
    /// Only those that ended at this moment or later.
    pub ended_from: Option<Moment>,
    /// Only those that ended before this moment.
    pub ended_until: Option<Moment>,
    /// Only those that are open, or only those that have ended.
    pub is_open: Option<bool>,
    /// Only those with a smaller id, for the next page.
    pub before: Option<i64>,
    pub limit: i64,
}

/// What ended since a recent moment: all that is not archived, and what was corrected in the archive. That
/// has no index of ends, and all of it would be read to find that nothing is there.
const RECENT_CARREGAMENTOS: &str =
    "(SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id,
             corrigido_em, own_price
      FROM carregamentos
      UNION ALL
      SELECT id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id,
             corrigido_em, own_price
      FROM archived_carregamentos INDEXED BY archived_carregamentos_corrected
      WHERE corrigido_em IS NOT NULL AND fim >= ?7)";

/// Whether what ended at `from` or later, and was not corrected since, is in no archive.
fn is_recent(from: Option<Moment>, now: Moment) -> bool {
    from.is_some_and(|from| from > now - archive_age())
}

impl ReservasQuery {
    fn sql(&self, now: Moment) -> String {
        // Only a placa has an index of all its reservas.
        let from = if self.placa.is_some() { "placa = ?2" } else { "?2 IS NULL" };
        let state = state_at!("?6", "?7");
        // Nothing in the archive is `ativa`.
        let is_current = self.status == Some(ReservaState::Ativa) || is_recent(self.from, now);
        let table = if is_current { "reservas" } else { "all_reservas" };
        // With `?4 IS NULL OR`, SQLite would read all newer ones to skip them.
        format!(
            "SELECT * FROM {table}
             WHERE {from} AND id < ?4 AND (?1 IS NULL OR {state} = ?1)
               AND (?3 IS NULL OR posto_id = ?3)
               AND (?8 IS NULL OR +fim > ?8) AND (?9 IS NULL OR +inicio < ?9)
             ORDER BY id DESC LIMIT ?5"
        )
    }
}

impl CarregamentosQuery {
    fn sql(&self, now: Moment) -> String {
        // A carro has few of all sessions; those of a posto are read by their ids.
        let from = match (&self.placa, self.posto_id) {
            (Some(_), _) => "placa = ?2 AND (?1 IS NULL OR posto_id = ?1)",
            (None, Some(_)) => "posto_id = ?1 AND ?2 IS NULL",
            (None, None) => "?1 IS NULL AND ?2 IS NULL",
        };
        // Few are open, none of them in the archive, and an index has just these.
        let (table, open) = match self.is_open {
            Some(true) => ("carregamentos INDEXED BY carregamentos_open", "fim IS NULL"),
            _ if is_recent(self.ended_from, now) => (RECENT_CARREGAMENTOS, "fim IS NOT NULL"),
            Some(false) => ("all_carregamentos", "fim IS NOT NULL"),
            None => ("all_carregamentos", "TRUE"),
        };
        format!(
            "SELECT * FROM {table}
             WHERE {from} AND {open} AND id < ?5
               AND (?3 IS NULL OR +inicio >= ?3) AND (?4 IS NULL OR +inicio < ?4)
               AND (?7 IS NULL OR +fim >= ?7) AND (?8 IS NULL OR +fim < ?8)
             ORDER BY id DESC LIMIT ?6"
        )
    }
}

impl Store {
    /// The reservas that match, newest first, as they are at `now`.
    pub async fn reservas(
        &self,
        query: &ReservasQuery,
        now: Moment,
    ) -> Result<Vec<ReservaView>, StoreError> {
        self.check_not_in_doubt()?;
        let absences_until = self.absences_until(now);
        let found: Vec<ReservaRow> = sqlx::query_as(sqlx::AssertSqlSafe(query.sql(now)))
            .bind(query.status.map(ReservaState::as_str))
            .bind(&query.placa)
            .bind(query.posto_id)
            .bind(query.before.unwrap_or(i64::MAX))
            .bind(query.limit)
            .bind(now.as_millis())
            .bind(absences_until.as_millis())
            .bind(query.from.map(Moment::as_millis))
            .bind(query.until.map(Moment::as_millis))
            .fetch_all(&self.readers)
            .await?;
        found.into_iter().map(|row| row.absent_by(absences_until, now).view_at(now)).collect()
    }

    /// The charging sessions that match at `now`, that of the highest id first.
    pub async fn carregamentos(
        &self,
        query: &CarregamentosQuery,
        now: Moment,
    ) -> Result<Vec<Carregamento>, StoreError> {
        self.check_not_in_doubt()?;
        let found: Vec<CarregamentoRow> = sqlx::query_as(sqlx::AssertSqlSafe(query.sql(now)))
            .bind(query.posto_id)
            .bind(&query.placa)
            .bind(query.from.map(Moment::as_millis))
            .bind(query.until.map(Moment::as_millis))
            .bind(query.before.unwrap_or(i64::MAX))
            .bind(query.limit)
            .bind(query.ended_from.map(Moment::as_millis))
            .bind(query.ended_until.map(Moment::as_millis))
            .fetch_all(&self.readers)
            .await?;
        found.into_iter().map(Carregamento::try_from).collect()
    }
}

#[cfg(test)]
mod tests;
