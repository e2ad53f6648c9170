//! Creating and changing postos.

use std::iter;

use domain::{Posto, PostoChange};
use rusqlite::params_from_iter;

use crate::store::audit::{Action, Target};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::postos::{self, OperatorPosto};
use crate::store::writer::command::{ApplyError, WriteCommand, WriteContext};

/// Adds a posto; its id.
#[derive(Debug, Clone)]
pub struct CreatePosto(pub Posto);

impl WriteCommand for CreatePosto {
    type Output = i64;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<i64, ApplyError> {
        let id = insert(context, None, &self.0, Action::Create)?;
        context.changes.push(Change::Posto(id));
        Ok(id)
    }
}

/// Adds and changes postos, all of them or none; whether it did. It does not if one that is to be
/// added exists already, or one that is to be changed does not: they were compared before.
#[derive(Debug, Clone, Default)]
pub struct ImportPostos {
    /// Under their ids; those without come last, and get greater ones.
    pub new: Vec<(Option<i64>, Posto)>,
    pub changed: Vec<(i64, PostoChange)>,
    /// The changes are not announced.
    pub silent: bool,
}

impl WriteCommand for ImportPostos {
    type Output = bool;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<bool, ApplyError> {
        // The other commands of the batch stay when this one is undone.
        context.connection.execute_batch("SAVEPOINT import")?;
        let written = self.write(context)?;
        if written.is_none() {
            context.connection.execute_batch("ROLLBACK TO import")?;
        }
        context.connection.execute_batch("RELEASE import")?;
        for (posto_id, _) in &self.changed {
            context.update_absences(*posto_id)?;
        }
        if let Some(ids) = &written
            && !self.silent
        {
            context.changes.extend(ids.iter().copied().map(Change::Posto));
        }
        Ok(written.is_some())
    }
}

impl ImportPostos {
    /// Writes the postos and returns their ids; `None` if one of them cannot be written.
    fn write(&self, context: &WriteContext<'_>) -> Result<Option<Vec<i64>>, StoreError> {
        let mut ids = Vec::with_capacity(self.new.len() + self.changed.len());
        let exists = "SELECT EXISTS (SELECT 1 FROM postos WHERE id = ?1)";
        let mut exists = context.connection.prepare_cached(exists)?;
        for (id, posto) in &self.new {
            if exists.query_row([id], |row| row.get(0))? {
                return Ok(None);
            }
            ids.push(insert(context, *id, posto, Action::Import)?);
        }
        for (id, change) in &self.changed {
            if update(context, *id, change, Action::Import)? == 0 {
                return Ok(None);
            }
            ids.push(*id);
        }
        Ok(Some(ids))
    }
}

/// Sets some values of a posto; also puts it in or out of service.
#[derive(Debug, Clone)]
pub struct ChangePosto {
    pub posto_id: i64,
    pub change: PostoChange,
}

impl WriteCommand for ChangePosto {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        if update(context, self.posto_id, &self.change, Action::Change)? == 0 {
            return Err(context.posto_inexistente(self.posto_id).into());
        }
        context.update_absences(self.posto_id)?;
        context.changes.push(Change::Posto(self.posto_id));
        Ok(())
    }
}

/// Changes a posto that is not removed; how many there are, 0 or 1.
pub(in crate::store::writer) fn update(
    context: &WriteContext<'_>,
    id: i64,
    change: &PostoChange,
    action: Action,
) -> Result<usize, StoreError> {
    let before = if context.is_audited() { find(context, id)? } else { None };
    let columns = postos::changes(change);
    let assignments =
        columns.each_ref().map(|(name, _)| format!("{name} = COALESCE(?, {name})")).join(", ");
    let sql = format!("UPDATE postos SET {assignments} WHERE id = ? AND removed_at IS NULL");
    let values = columns.map(|(_, value)| value).into_iter().chain(iter::once(id.into()));
    let updated = context.execute(&sql, params_from_iter(values))?;
    if updated > 0 {
        context.keep_service(id)?;
    }
    if let Some(before) = before
        && let Some(after) = find(context, id)?
    {
        let (before, after) = (before.audit_fields(), after.audit_fields());
        context.audit_change(action, Target::Posto(id), &before, &after)?;
    }
    Ok(updated)
}

/// A posto that is not removed.
pub(in crate::store::writer) fn find(
    context: &WriteContext<'_>,
    id: i64,
) -> Result<Option<OperatorPosto>, StoreError> {
    context.find("SELECT * FROM postos WHERE id = ?1 AND removed_at IS NULL", [id])
}

/// Inserts a posto, under `id` if given; its id.
fn insert(
    context: &WriteContext<'_>,
    id: Option<i64>,
    posto: &Posto,
    action: Action,
) -> Result<i64, StoreError> {
    let columns = postos::changes(&postos::all_columns(posto));
    let names = columns.each_ref().map(|(name, _)| *name).join(", ");
    let marks = ", ?".repeat(columns.len());
    let sql = format!("INSERT INTO postos (id, {names}) VALUES (?{marks})");
    let values = iter::once(id.into()).chain(columns.map(|(_, value)| value));
    context.execute(&sql, params_from_iter(values))?;
    let id = context.connection.last_insert_rowid();
    context.keep_service(id)?;
    if context.is_audited()
        && let Some(after) = find(context, id)?
    {
        context.audit(action, Target::Posto(id), None, Some(&after.audit_fields()))?;
    }
    Ok(id)
}
