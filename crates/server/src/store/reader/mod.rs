//! Reading, on connections of its own, so that no query makes the writer wait.
//!
//! What settles a write that ended unknown (a reserva, a session) is read only when nothing is in
//! doubt: else it could be answered as it was, and a restart would find the failed write.

mod archivable;
mod availability;
mod changes;
pub(super) mod figures;
mod forgetting;
pub(super) mod listing;
mod people;

use std::sync::Arc;

use domain::{Carregamento, Moment, Rejection, ReservaState};

use super::error::StoreError;
use super::handle::Store;
use super::request_outcome::{AcceptedRow, ForgottenRow, RefusedRow, RequestOutcome, Reserved};
use super::rows::carros::{CarregamentoRow, CarroRow};
use super::rows::postos::{PostoRow, StoredPosto};
use super::rows::reservas::{ReservaRow, StoredReserva, state_at};
use super::statistics::{Statistics, StatisticsQuery};

pub use archivable::Archivable;
pub use availability::Estimated;
pub use forgetting::{Ended, Found};
pub use listing::Listing;
pub use people::{AuditQuery, AuditRow, StoredToken};

/// Which reservas to list, newest first; a field that is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub struct ReservasQuery {
    pub status: Option<ReservaState>,
    pub placa: Option<String>,
    pub posto_id: Option<i64>,
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
    /// Only those that are open, or only those that have ended.
    pub is_open: Option<bool>,
    /// Only those with a smaller id, for the next page.
    pub before: Option<i64>,
    pub limit: i64,
}

impl Store {
    /// As [`Progress::absences_until`](super::progress::Progress::absences_until).
    fn absences_until(&self, now: Moment) -> Moment {
        self.state.progress.absences_until(now)
    }

    /// All postos as they are at some moment of this call.
    pub async fn listing(&self) -> Result<Arc<Listing>, StoreError> {
        self.listings.get().await
    }

    /// Whether the database has or ever had a posto, removed ones included.
    pub async fn ever_had_postos(&self) -> Result<bool, StoreError> {
        let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM postos)");
        Ok(any.fetch_one(&self.readers).await?)
    }

    /// Every posto as its operator keeps it, removed ones included, by id; all of one moment.
    pub async fn stored_postos(&self) -> Result<Vec<StoredPosto>, StoreError> {
        let postos = sqlx::query_as("SELECT * FROM postos ORDER BY id");
        Ok(postos.fetch_all(&self.readers).await?)
    }

    /// The postos with these ids, by id; ids of no posto are left out.
    pub async fn postos_by_id(
        &self,
        ids: &[i64],
        now: Moment,
    ) -> Result<Vec<PostoRow>, StoreError> {
        let ids =
            serde_json::to_string(ids).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let postos = sqlx::query_as(PostoRow::SELECT)
            .bind(now.as_millis())
            .bind(ids)
            .bind(self.absences_until(now).as_millis())
            .fetch_all(&self.readers)
            .await?;
        Ok(postos)
    }

    /// How a reservation request was decided, for somebody who names this app, or none; `None` if it
    /// never arrived or arrived too late, or belongs to another app.
    pub async fn request_outcome(
        &self,
        request_id: &str,
        app: Option<&str>,
        now: Moment,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        let outcome = self.any_outcome(request_id, now).await?;
        Ok(outcome.filter(|outcome| outcome.is_visible_to(app)))
    }

    /// The first answer to a reservation request, if it was decided.
    pub async fn first_answer(
        &self,
        request_id: &str,
        fingerprint: [u8; 16],
        app: Option<&str>,
        now: Moment,
    ) -> Result<Option<Result<Reserved, Rejection>>, StoreError> {
        let outcome = self.any_outcome(request_id, now).await?;
        Ok(outcome.map(|outcome| outcome.answer_to(fingerprint, app)))
    }

    async fn any_outcome(
        &self,
        request_id: &str,
        now: Moment,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        self.certain()?;
        // Asked before anything is read: what is written meanwhile may take back what was due.
        let absences_until = self.absences_until(now);
        let accepted = sqlx::query_as::<_, AcceptedRow>(AcceptedRow::SELECT).bind(request_id);
        if let Some(accepted) = accepted.fetch_optional(&self.readers).await? {
            return Ok(Some(accepted.absent_by(absences_until, now).outcome(now)?));
        }
        let refused = sqlx::query_as::<_, RefusedRow>(RefusedRow::SELECT).bind(request_id);
        if let Some(refused) = refused.fetch_optional(&self.readers).await? {
            return Ok(Some(refused.outcome(&self.server_id)?));
        }
        let digest = ForgottenRow::digest(request_id).to_vec();
        let forgotten = sqlx::query_as::<_, ForgottenRow>(ForgottenRow::SELECT).bind(digest);
        let forgotten = forgotten.fetch_optional(&self.readers).await?;
        Ok(forgotten.map(|row| row.outcome(request_id, &self.server_id)))
    }

    /// The reservas that match, newest first, as they are at `now`.
    pub async fn reservas(
        &self,
        query: &ReservasQuery,
        now: Moment,
    ) -> Result<Vec<StoredReserva>, StoreError> {
        self.certain()?;
        let absences_until = self.absences_until(now);
        // Only a placa has an index of all its reservas.
        let from = if query.placa.is_some() { "placa = ?2" } else { "?2 IS NULL" };
        let state = state_at!("?6", "?7");
        // Nothing in the archive is `ativa`, and all of it would be read to find that out.
        let is_current = query.status == Some(ReservaState::Ativa);
        let table = if is_current { "reservas" } else { "all_reservas" };
        let sql = format!(
            "SELECT * FROM {table}
             WHERE {from} AND (?1 IS NULL OR {state} = ?1)
               AND (?3 IS NULL OR posto_id = ?3)
               AND (?4 IS NULL OR id < ?4)
             ORDER BY id DESC LIMIT ?5"
        );
        let found: Vec<ReservaRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(query.status.map(ReservaState::as_str))
            .bind(&query.placa)
            .bind(query.posto_id)
            .bind(query.before)
            .bind(query.limit)
            .bind(now.as_millis())
            .bind(absences_until.as_millis())
            .fetch_all(&self.readers)
            .await?;
        found.into_iter().map(|row| row.absent_by(absences_until, now).state_at(now)).collect()
    }

    /// One reserva, as it is at `now`.
    pub async fn reserva(&self, id: i64, now: Moment) -> Result<Option<StoredReserva>, StoreError> {
        self.certain()?;
        let absences_until = self.absences_until(now);
        let found = sqlx::query_as::<_, ReservaRow>("SELECT * FROM all_reservas WHERE id = ?1");
        let found = found.bind(id).fetch_optional(&self.readers).await?;
        found.map(|row| row.absent_by(absences_until, now).state_at(now)).transpose()
    }

    /// The known carros, by placa: at most `limit`, after the placa `after`.
    pub async fn carros(
        &self,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<CarroRow>, StoreError> {
        let carros =
            sqlx::query_as("SELECT * FROM carros WHERE placa > ?1 ORDER BY placa LIMIT ?2")
                .bind(after.unwrap_or_default())
                .bind(limit)
                .fetch_all(&self.readers)
                .await?;
        Ok(carros)
    }

    pub async fn carro(&self, placa: &str) -> Result<Option<CarroRow>, StoreError> {
        let carro = sqlx::query_as("SELECT * FROM carros WHERE placa = ?1").bind(placa);
        Ok(carro.fetch_optional(&self.readers).await?)
    }

    /// Whether there is or was a posto with this id.
    pub async fn had_posto(&self, id: i64) -> Result<bool, StoreError> {
        let any = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM postos WHERE id = ?1)");
        Ok(any.bind(id).fetch_one(&self.readers).await?)
    }

    /// The charging sessions that match, that of the highest id first.
    pub async fn carregamentos(
        &self,
        query: &CarregamentosQuery,
    ) -> Result<Vec<Carregamento>, StoreError> {
        self.certain()?;
        // A carro has few of all sessions; those of a posto are read by their ids.
        let from = match (&query.placa, query.posto_id) {
            (Some(_), _) => "placa = ?2 AND (?1 IS NULL OR posto_id = ?1)",
            (None, Some(_)) => "posto_id = ?1 AND ?2 IS NULL",
            (None, None) => "?1 IS NULL AND ?2 IS NULL",
        };
        // Few are open, none of them in the archive, and an index has just these.
        let (table, open) = match query.is_open {
            Some(true) => ("carregamentos INDEXED BY carregamentos_open", "fim IS NULL"),
            Some(false) => ("all_carregamentos", "fim IS NOT NULL"),
            None => ("all_carregamentos", "TRUE"),
        };
        let sql = format!(
            "SELECT * FROM {table}
             WHERE {from} AND {open} AND id < ?5
               AND (?3 IS NULL OR +inicio >= ?3) AND (?4 IS NULL OR +inicio < ?4)
             ORDER BY id DESC LIMIT ?6"
        );
        let found: Vec<CarregamentoRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(query.posto_id)
            .bind(&query.placa)
            .bind(query.from.map(Moment::as_millis))
            .bind(query.until.map(Moment::as_millis))
            .bind(query.before.unwrap_or(i64::MAX))
            .bind(query.limit)
            .fetch_all(&self.readers)
            .await?;
        found.into_iter().map(Carregamento::try_from).collect()
    }

    /// Counts what has happened, once the statistics that others asked for before are read.
    pub async fn statistics(&self, query: StatisticsQuery) -> Result<Statistics, StoreError> {
        self.statistics.read(query).await
    }

    pub async fn carregamento(
        &self,
        posto_id: i64,
        id: i64,
    ) -> Result<Option<Carregamento>, StoreError> {
        self.certain()?;
        let session = sqlx::query_as::<_, CarregamentoRow>(CarregamentoRow::SELECT);
        let session = session.bind(id).bind(posto_id).fetch_optional(&self.readers).await?;
        session.map(Carregamento::try_from).transpose()
    }
}
