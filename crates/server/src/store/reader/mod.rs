//! Reading, on connections of its own, so that no query makes the writer wait.
//!
//! What settles a write that ended in doubt (a reserva, a session) is read only when nothing is in
//! doubt: else it could be answered as it was, and a restart would find the failed write.

mod archivable;
mod audit;
mod changes;
mod estimates;
pub(super) mod figures;
mod forgetting;
pub(super) mod listing;
mod pages;
mod tokens;

use std::sync::Arc;

use domain::{Carregamento, Moment, Rejection};

use crate::store::answers::request_outcome::{
    AcceptedRow, ForgottenRow, RefusedRow, RequestKey, RequestOutcome, Reserved,
};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows;
use crate::store::rows::carros::{CarregamentoRow, CarroRow};
use crate::store::rows::postos::{OperatorPosto, PostoRow};
use crate::store::rows::reservas::{ReservaRow, ReservaView};
use crate::store::statistics::{Statistics, StatisticsQuery};

pub use archivable::Archivable;
pub(crate) use archivable::archive_age;
pub use audit::{AuditQuery, AuditRow};
pub use estimates::Estimated;
pub use forgetting::{ForgettableRows, RefusalIds};
pub use listing::Listing;
pub use pages::{CarregamentosQuery, ReservasQuery};
pub use tokens::StoredToken;

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
    pub async fn operator_postos(&self) -> Result<Vec<OperatorPosto>, StoreError> {
        let postos = sqlx::query_as("SELECT * FROM postos ORDER BY id");
        Ok(postos.fetch_all(&self.readers).await?)
    }

    /// The postos with these ids, by id; ids of no posto are left out.
    pub async fn postos_by_id(
        &self,
        ids: &[i64],
        now: Moment,
    ) -> Result<Vec<PostoRow>, StoreError> {
        let postos = sqlx::query_as(PostoRow::SELECT)
            .bind(now.as_millis())
            .bind(rows::json(ids)?)
            .bind(self.absences_until(now).as_millis())
            .fetch_all(&self.readers)
            .await?;
        Ok(postos)
    }

    /// How a reservation request was decided, as far as this app may see it; `None` if it never arrived
    /// or arrived too late, or belongs to another app.
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
        key: &RequestKey,
        now: Moment,
    ) -> Result<Option<Result<Reserved, Rejection>>, StoreError> {
        let outcome = self.any_outcome(&key.request_id, now).await?;
        Ok(outcome.map(|outcome| outcome.answer_to(key)))
    }

    async fn any_outcome(
        &self,
        request_id: &str,
        now: Moment,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        self.check_not_in_doubt()?;
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

    /// One reserva, as it is at `now`.
    pub async fn reserva(&self, id: i64, now: Moment) -> Result<Option<ReservaView>, StoreError> {
        self.check_not_in_doubt()?;
        let absences_until = self.absences_until(now);
        let found = sqlx::query_as::<_, ReservaRow>("SELECT * FROM all_reservas WHERE id = ?1");
        let found = found.bind(id).fetch_optional(&self.readers).await?;
        found.map(|row| row.absent_by(absences_until, now).view_at(now)).transpose()
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

    /// Counts what has happened, once the statistics that others asked for before are read.
    pub async fn statistics(&self, query: StatisticsQuery) -> Result<Statistics, StoreError> {
        self.statistics.read(query).await
    }

    pub async fn carregamento(
        &self,
        posto_id: i64,
        id: i64,
    ) -> Result<Option<Carregamento>, StoreError> {
        self.check_not_in_doubt()?;
        let session = sqlx::query_as::<_, CarregamentoRow>(CarregamentoRow::SELECT);
        let session = session.bind(id).bind(posto_id).fetch_optional(&self.readers).await?;
        session.map(Carregamento::try_from).transpose()
    }
}
