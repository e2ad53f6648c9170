//! Creating, changing and removing postos.

use std::iter;

use domain::{Posto, PostoChange, decide_posto_removal};
use rusqlite::params_from_iter;

use super::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::{postos, row};

/// Adds a posto; its id.
#[derive(Debug, Clone)]
pub struct CreatePosto(pub Posto);

impl WriteCommand for CreatePosto {
    type Output = i64;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<i64, ApplyError> {
        let id = insert(context, None, &self.0)?;
        context.changes.push(Change::Posto(id));
        Ok(id)
    }
}

/// Adds postos under their ids, if the database never had any; how many were added.
#[derive(Debug, Clone)]
pub struct ImportPostos(pub Vec<(i64, Posto)>);

impl WriteCommand for ImportPostos {
    type Output = usize;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<usize, ApplyError> {
        let any = "SELECT EXISTS (SELECT 1 FROM postos)";
        if context.connection.query_row(any, [], |row| row.get(0))? {
            return Ok(0);
        }
        for (id, posto) in &self.0 {
            insert(context, Some(*id), posto)?;
        }
        Ok(self.0.len())
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
        let columns = postos::changes(&self.change);
        let assignments =
            columns.each_ref().map(|(name, _)| format!("{name} = COALESCE(?, {name})")).join(", ");
        let sql = format!("UPDATE postos SET {assignments} WHERE id = ? AND removed_at IS NULL");
        let values = columns.map(|(_, value)| value).into_iter();
        let values = values.chain(iter::once(self.posto_id.into()));
        if context.execute(&sql, params_from_iter(values))? == 0 {
            return Err(context.posto_inexistente(self.posto_id).into());
        }
        context.changes.push(Change::Posto(self.posto_id));
        Ok(())
    }
}

/// Removes a posto that no reserva and no carro needs. Its row stays for the reservas that name
/// it, and its id is not used again.
#[derive(Debug, Clone)]
pub struct RemovePosto {
    pub posto_id: i64,
}

row! {
    struct PostoUseRow {
        nome: String,
        reserved: bool,
        charging: bool,
    }
}

impl WriteCommand for RemovePosto {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let parameters = [self.posto_id, context.now.as_millis()];
        let found = context.find::<PostoUseRow>(
            "SELECT nome,
                 EXISTS (SELECT 1 FROM reservas
                         WHERE posto_id = ?1 AND status <> 'cancelada' AND fim > ?2) AS reserved,
                 EXISTS (SELECT 1 FROM carregamentos
                         WHERE posto_id = ?1 AND fim IS NULL) AS charging
             FROM postos WHERE id = ?1 AND removed_at IS NULL",
            parameters,
        )?;
        let PostoUseRow { nome, reserved, charging } =
            found.ok_or_else(|| context.posto_inexistente(self.posto_id))?;
        decide_posto_removal(&nome, reserved, charging)?;
        context.execute("UPDATE postos SET removed_at = ?2 WHERE id = ?1", parameters)?;
        context.changes.push(Change::Posto(self.posto_id));
        Ok(())
    }
}

/// Inserts a posto, under `id` if given; its id.
fn insert(context: &WriteContext<'_>, id: Option<i64>, posto: &Posto) -> Result<i64, StoreError> {
    let columns = postos::changes(&postos::all_columns(posto));
    let names = columns.each_ref().map(|(name, _)| *name).join(", ");
    let marks = ", ?".repeat(columns.len());
    let sql = format!("INSERT INTO postos (id, {names}) VALUES (?{marks})");
    let values = iter::once(id.into()).chain(columns.map(|(_, value)| value));
    context.execute(&sql, params_from_iter(values))?;
    Ok(context.connection.last_insert_rowid())
}
