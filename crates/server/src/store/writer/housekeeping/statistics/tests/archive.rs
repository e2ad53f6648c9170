//! Rows leave their tables, and the sums that are kept say what they said.

use std::time::Duration;

use rusqlite::params;

use crate::store::rows::row;
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::writer::housekeeping::archive::ArchiveEnded;

/// Archives every second row, if it has ended.
pub(super) struct Archive;

row! {
    struct EvenRow {
        id: i64,
    }
}

impl WriteCommand for Archive {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let even = |sql: &str| context.find_all::<EvenRow>(sql, []);
        let ids = |rows: Vec<EvenRow>| rows.into_iter().map(|row| row.id).collect();
        let ended = ArchiveEnded {
            age: Duration::ZERO,
            reservas: ids(even("SELECT id FROM reservas WHERE id % 2 = 0")?),
            carregamentos: ids(even("SELECT id FROM carregamentos WHERE id % 2 = 0")?),
        };
        ended.apply(context)?;
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
