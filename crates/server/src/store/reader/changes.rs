//! How changes of reservas were answered.

use domain::{Moment, Rejection};

use crate::store::answers::change_answer::ChangeRow;
use crate::store::answers::request_outcome::{AcceptedRow, RequestKey, RequestOutcome, Reserved};
use crate::store::error::StoreError;
use crate::store::handle::Store;

impl Store {
    /// How a change was decided, and its reserva as it is now, as far as this app may see it; `None` if
    /// no such change was decided, or it belongs to another app.
    pub async fn change_outcome(
        &self,
        request_id: &str,
        app: Option<&str>,
        now: Moment,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        let outcome = self.any_change(request_id, now).await?;
        Ok(outcome.filter(|outcome| outcome.is_visible_to(app)))
    }

    /// The first answer to a change of the reserva that a request made, if it was decided.
    pub async fn first_answer_to_change(
        &self,
        key: &RequestKey,
        reserva_request_id: &str,
        now: Moment,
    ) -> Result<Option<Result<Reserved, Rejection>>, StoreError> {
        let outcome = self.any_change(&key.request_id, now).await?;
        Ok(outcome.map(|outcome| outcome.answer_to_change(key, reserva_request_id)))
    }

    async fn any_change(
        &self,
        request_id: &str,
        now: Moment,
    ) -> Result<Option<RequestOutcome>, StoreError> {
        self.check_not_in_doubt()?;
        let absences_until = self.absences_until(now);
        // Both are read as they are at one moment: the reserva may be forgotten meanwhile.
        let mut snapshot = self.readers.begin().await?;
        let change = sqlx::query_as::<_, ChangeRow>(ChangeRow::SELECT).bind(request_id);
        let Some(change) = change.fetch_optional(&mut *snapshot).await? else { return Ok(None) };
        let current = match &change.reserva_request_id {
            Some(made) => {
                let row = sqlx::query_as::<_, AcceptedRow>(AcceptedRow::SELECT).bind(made);
                let row = row.fetch_optional(&mut *snapshot).await?;
                row.map(|row| row.absent_by(absences_until, now).outcome(now))
                    .transpose()?
                    .and_then(|outcome| outcome.current)
            }
            None => None,
        };
        change.outcome(&self.server_id, current).map(Some)
    }
}
