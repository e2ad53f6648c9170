//! Forgetting carros: their placa, and what leads to it (docs/decisions/0065).
//!
//! What is left says when a posto was held and what a session gave and cost. Of the requests digests
//! are left, so that a repeat makes no new reserva.

use domain::{Moment, Placa, Rejection};
use rusqlite::{ToSql, params};

use crate::store::answers::request_outcome::ForgottenRow;
use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::error::StoreError;
use crate::store::reader::{ForgettableRows, RefusalIds};
use crate::store::rows::json;
use crate::store::rows::reservas::{awaiting_a_session, holds_now_or_later, over_at};
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub reservas: usize,
    pub carregamentos: usize,
    pub refusals: usize,
    pub carros: usize,
}

impl Forgotten {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn fields(&self) -> AuditFields {
        audit_fields! {
            "carros": self.carros,
            "reservas": self.reservas,
            "carregamentos": self.carregamentos,
            "recusas": self.refusals,
        }
    }
}

/// Forgets a carro that holds nothing, wholly or not at all.
#[derive(Debug, Clone)]
pub struct ForgetCarro {
    pub placa: Placa,
    /// Its refusals, as [`Store`](crate::store::Store) finds them.
    pub refusals: RefusalIds,
}

impl WriteCommand for ForgetCarro {
    type Output = Forgotten;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<Forgotten, ApplyError> {
        let placa = self.placa.as_str();
        let in_use = context.find_value(
            concat!(
                "SELECT EXISTS (SELECT 1 FROM reservas WHERE placa = ?1 AND ",
                holds_now_or_later!("?2"),
                ") OR EXISTS (SELECT 1 FROM carregamentos WHERE placa = ?1 AND fim IS NULL)"
            ),
            params![placa, context.now.as_millis()],
        )?;
        if in_use == Some(true) {
            return Err(Rejection::CarroEmUso { placa: self.placa.clone() }.into());
        }
        let refusals = json(&self.refusals.ids)?;
        let forgotten = Forgotten {
            reservas: forget_reservas(context, "placa = ?1", &[&placa])?,
            carregamentos: forget_sessions(context, "placa = ?1", &[&placa])?,
            refusals: forget_requests(
                context,
                "refusals",
                "placa = ?1 AND (seq IN (SELECT value FROM json_each(?2)) OR seq > ?3)",
                &[&placa, &refusals, &self.refusals.up_to],
            )?,
            carros: context.execute("DELETE FROM carros WHERE placa = ?1", [placa])?,
        };
        if forgotten.is_empty() {
            let (placa, server_id) = (self.placa.clone(), context.server_id.to_owned());
            return Err(Rejection::CarroInexistente { placa, server_id }.into());
        }
        context.audit(Action::Forget, Target::Carros, None, Some(&forgotten.fields()))?;
        mark_vacuum(context)?;
        Ok(forgotten)
    }
}

/// Forgets a part of what ended at `cutoff` or before.
#[derive(Debug, Clone)]
pub struct ForgetEnded {
    pub cutoff: Moment,
    pub ended: ForgettableRows,
    /// What this run has forgotten before.
    pub run: ForgettingRun,
}

/// A run of the retention: it has one row in the audit.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForgettingRun {
    audit_id: Option<i64>,
    pub forgotten: Forgotten,
}

impl WriteCommand for ForgetEnded {
    type Output = ForgettingRun;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<ForgettingRun, ApplyError> {
        let Self { cutoff, ended, mut run } = self.clone();
        let cutoff = cutoff.as_millis();
        let (reservas, refusals) = (json(&ended.reservas)?, json(&ended.refusals)?);
        // Only what still has ended: a clock may have been set back since it was found, or a session
        // reported.
        let part = Forgotten {
            reservas: forget_reservas(
                context,
                concat!(
                    "id IN (SELECT value FROM json_each(?1)) AND placa IS NOT NULL AND ",
                    over_at!(),
                    " <= ?2 AND id NOT IN (",
                    awaiting_a_session!("reservas"),
                    " UNION ALL ",
                    awaiting_a_session!("archived_reservas"),
                    ")"
                ),
                &[&reservas, &cutoff],
            )?,
            carregamentos: forget_sessions(
                context,
                "id IN (SELECT value FROM json_each(?1)) AND placa IS NOT NULL AND fim <= ?2",
                &[&json(&ended.carregamentos)?, &cutoff],
            )?,
            refusals: forget_requests(
                context,
                "refusals",
                "seq IN (SELECT value FROM json_each(?1)) AND decided_at <= ?2",
                &[&refusals, &cutoff],
            )?,
            carros: context.execute(
                "DELETE FROM carros WHERE placa IN (SELECT value FROM json_each(?1))
                   AND updated_at <= ?2
                   AND NOT EXISTS (SELECT 1 FROM all_reservas AS r WHERE r.placa = carros.placa)",
                params![json(&ended.carros)?, cutoff],
            )?,
        };
        if part.is_empty() {
            return Ok(run);
        }
        run.forgotten.reservas += part.reservas;
        run.forgotten.carregamentos += part.carregamentos;
        run.forgotten.refusals += part.refusals;
        run.forgotten.carros += part.carros;
        run.audit_id = audit_run(context, &run)?;
        mark_vacuum(context)?;
        Ok(run)
    }
}

/// Writes the row of a run, or brings it up to date; its id.
fn audit_run(context: &WriteContext<'_>, run: &ForgettingRun) -> Result<Option<i64>, StoreError> {
    let fields = run.forgotten.fields();
    if let Some(id) = run.audit_id {
        let depois = serde_json::Value::Object(fields).to_string();
        context.execute("UPDATE auditoria SET depois = ?2 WHERE id = ?1", params![id, depois])?;
        return Ok(Some(id));
    }
    context.audit(Action::Forget, Target::Carros, None, Some(&fields))?;
    Ok(context.is_audited().then(|| context.connection.last_insert_rowid()))
}

/// Has the file written anew, if something was forgotten since that was done last.
#[derive(Debug, Clone, Copy)]
pub struct VacuumIfDue;

impl WriteCommand for VacuumIfDue {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let due: Option<i64> = context.find_value("SELECT id FROM vacuum_due", [])?;
        context.wants_vacuum |= due.is_some();
        Ok(())
    }
}

/// Marks that the file is to be written anew: until then, old pages hold what was forgotten. The
/// mark is stored, so that a crash does not lose it.
fn mark_vacuum(context: &WriteContext<'_>) -> Result<(), StoreError> {
    context.recent_failures.prune(context.clock);
    context.execute("INSERT OR REPLACE INTO vacuum_due (id) VALUES (1)", [])?;
    Ok(())
}

/// Takes everything personal from the reservas for which `condition` holds, archived or not; how many.
fn forget_reservas(
    context: &WriteContext<'_>,
    condition: &str,
    parameters: &[&dyn ToSql],
) -> Result<usize, StoreError> {
    let of_them = format!("reserva_id IN (SELECT id FROM all_reservas WHERE {condition})");
    for table in ["alteracoes", "archived_alteracoes"] {
        forget_requests(context, table, &of_them, parameters)?;
    }
    let requests = format!("SELECT request_id FROM all_reservas WHERE {condition}");
    remember_requests(context, &requests, parameters)?;
    // A session that is not forgotten yet would say whose it was.
    for table in ["carregamentos", "archived_carregamentos"] {
        let sessions = format!("UPDATE {table} SET reserva_id = NULL WHERE {of_them}");
        context.execute(&sessions, parameters)?;
    }
    let mut forgotten = 0;
    for (table, also) in [("reservas", ", carregamento_id = NULL"), ("archived_reservas", "")] {
        let sql = format!(
            "UPDATE {table} SET placa = NULL, request_id = NULL, fingerprint = NULL, app = NULL,
                                client_id = NULL, chegou_em = NULL, estimativa = NULL,
                                first_answer = NULL{also}
             WHERE {condition}"
        );
        forgotten += context.execute(&sql, parameters)?;
    }
    Ok(forgotten)
}

/// Takes everything personal from the sessions for which `condition` holds, archived or not; how
/// many.
fn forget_sessions(
    context: &WriteContext<'_>,
    condition: &str,
    parameters: &[&dyn ToSql],
) -> Result<usize, StoreError> {
    let mut forgotten = 0;
    for table in ["carregamentos", "archived_carregamentos"] {
        let sql = format!("UPDATE {table} SET placa = NULL, reserva_id = NULL WHERE {condition}");
        forgotten += context.execute(&sql, parameters)?;
    }
    Ok(forgotten)
}

/// Removes the requests for which `condition` holds from a table with their answers; how many.
fn forget_requests(
    context: &WriteContext<'_>,
    table: &str,
    condition: &str,
    parameters: &[&dyn ToSql],
) -> Result<usize, StoreError> {
    let requests = format!("SELECT request_id FROM {table} WHERE {condition}");
    remember_requests(context, &requests, parameters)?;
    context.execute(&format!("DELETE FROM {table} WHERE {condition}"), parameters)
}

/// Keeps digests of the requests that a query finds.
fn remember_requests(
    context: &WriteContext<'_>,
    requests: &str,
    parameters: &[&dyn ToSql],
) -> Result<(), StoreError> {
    for request_id in context.find_values::<String>(requests, parameters)? {
        let digest = ForgottenRow::digest(&request_id);
        let sql = "INSERT OR IGNORE INTO forgotten_requests (digest) VALUES (?1)";
        context.execute(sql, [digest])?;
    }
    Ok(())
}
