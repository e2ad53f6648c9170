//! Promise 1: no posto is held twice. Promise 5: a reserva ends at its `fim`.

use super::run::{Kind, Run, Violations, overlap};
use crate::evidence::ReservaRow;

pub(super) fn check(run: &Run<'_>, violations: &mut Violations) {
    for (posto_id, rows) in &run.rows_of_posto {
        let mut rows = rows.clone();
        rows.sort_by_key(|row| row.window.0);
        for (index, row) in rows.iter().enumerate() {
            let later = rows[index + 1..].iter().take_while(|later| later.window.0 < row.window.1);
            for other in later.filter(|other| held_together(row, other)) {
                violations.add(Kind::HeldTwice, format!("posto {posto_id}: {row:?} and {other:?}"));
            }
        }
    }
    for row in &run.database.reservas {
        let ended = row.window.1;
        let read_at = run.database.read_at;
        match row.status.as_str() {
            "ativa" if ended + run.conditions.sweep < read_at => {
                violations.add(Kind::WrongEnd, format!("read at {read_at}, still active: {row:?}"));
            }
            "encerrada" if row.updated_at < ended => {
                violations.add(Kind::WrongEnd, format!("ended early: {row:?}"));
            }
            _ => {}
        }
    }
}

/// Whether two windows overlap, and both reservas existed uncancelled at the same time.
fn held_together(one: &ReservaRow, other: &ReservaRow) -> bool {
    let lifetime = |row: &ReservaRow| (row.created_at, row.cancelled_at().unwrap_or(i64::MAX));
    overlap(one.window, other.window) && overlap(lifetime(one), lifetime(other))
}
