//! Rows leave their tables, and the sums that are kept say what they said.

use domain::{Carregamento, Finished, Hours, Moment, Tally};
use rusqlite::params;

use crate::store::rows::carros::CarregamentoRow;
use crate::store::rows::reservas::ReservaRow;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};

/// Takes away every second row that has ended; the ids of the reservas and of the sessions.
pub(super) struct Archive;

impl WriteCommand for Archive {
    type Output = (Vec<i64>, Vec<i64>);

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Self::Output, ApplyError> {
        let now = context.now;
        let mut tally = Tally::by_posto(Hours);
        let (mut reservas, mut sessions) = (Vec::new(), Vec::new());
        for row in context.find_all::<ReservaRow>("SELECT * FROM reservas WHERE id % 2 = 0", [])? {
            let facts = row.facts()?;
            // An end that is reported afterwards may still say that nobody has charged in it.
            let is_open = context.open_session(row.posto_id)?.is_some();
            if facts.is_over(now) && !is_open {
                // Whatever a clock says that is set back: it may have to be taken away again.
                tally.reserva(row.posto_id, row.created_at(), &facts, Moment::MAX);
                reservas.push(row.id);
            }
        }
        for row in context.find_all::<CarregamentoRow>(
            "SELECT * FROM carregamentos WHERE id % 2 = 0 AND fim IS NOT NULL",
            [],
        )? {
            let session = Carregamento::try_from(row)?;
            tally.session(session.posto_id, session.inicio, session.finished, Moment::MAX);
            sessions.push(session.id);
        }
        context.keep_sums(&tally)?;
        for id in &reservas {
            context.execute("DELETE FROM alteracoes WHERE reserva_id = ?1", [id])?;
            let unlink = "UPDATE carregamentos SET reserva_id = NULL WHERE reserva_id = ?1";
            context.execute(unlink, [id])?;
            context.execute("DELETE FROM reservas WHERE id = ?1", [id])?;
        }
        for id in &sessions {
            let unlink = "UPDATE reservas SET carregamento_id = NULL WHERE carregamento_id = ?1";
            context.execute(unlink, [id])?;
            context.execute("DELETE FROM carregamentos WHERE id = ?1", [id])?;
        }
        Ok((reservas, sessions))
    }
}

/// Corrects a session of which only the sums are kept.
pub(super) struct CorrectArchived {
    pub(super) posto_id: i64,
    pub(super) before: (Moment, Finished),
    pub(super) after: (Moment, Finished),
}

impl WriteCommand for CorrectArchived {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let sums = |(inicio, finished): (Moment, Finished)| {
            let mut tally = Tally::by_posto(Hours);
            tally.session(self.posto_id, inicio, Some(finished), Moment::MAX);
            tally
        };
        let mut difference = sums(self.after);
        difference.subtract(&sums(self.before));
        context.keep_sums(&difference)?;
        Ok(())
    }
}

/// Deletes the refusals, as the sweep does after 30 days.
pub(super) struct DeleteRefusals;

impl WriteCommand for DeleteRefusals {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        context.execute("DELETE FROM refusals", params![])?;
        context.execute("DELETE FROM refused_cancellations", params![])?;
        Ok(())
    }
}
