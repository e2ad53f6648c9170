//! Starting and finishing charging sessions.

use domain::{
    Carregamento, Effect, Finished, Kwh, Moment, Placa, Rejection, decide_carregamento_finish,
    decide_carregamento_start,
};
use rusqlite::params;

use super::command::{ApplyError, WriteCommand, WriteContext};
use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::carros::CarregamentoRow;

/// Lets a carro start charging; the id of its session, also of one that is open already.
#[derive(Debug, Clone)]
pub struct StartCarregamento {
    pub posto_id: i64,
    pub placa: Placa,
}

impl WriteCommand for StartCarregamento {
    type Output = i64;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<i64, ApplyError> {
        let Self { posto_id, placa } = self;
        let posto = context.posto_facts(*posto_id)?;
        let posto = posto.ok_or_else(|| context.posto_inexistente(*posto_id))?;
        let next_moment = Moment::from_millis(context.now.as_millis() + 1);
        let holdings = context.holdings(*posto_id, context.now, next_moment)?;
        let elsewhere = context.charging_elsewhere(placa, *posto_id)?;
        let decided =
            decide_carregamento_start(placa, &posto, &holdings, elsewhere.as_deref(), context.now);
        let id = match decided? {
            Effect::Now(()) => {
                context.execute(
                    "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh)
                     SELECT id, ?2, ?3, preco_kwh FROM postos WHERE id = ?1",
                    params![posto_id, placa.as_str(), context.now.as_millis()],
                )?;
                let id = context.connection.last_insert_rowid();
                let after = audit_fields! {"posto_id": *posto_id};
                context.audit(Action::Start, Target::Carregamento(id), None, Some(&after))?;
                update_em_carregamento(context, placa)?;
                context.update_absences(*posto_id)?;
                id
            }
            Effect::Already(()) => {
                let open = "SELECT id FROM carregamentos WHERE posto_id = ?1 AND fim IS NULL";
                let mut open = context.connection.prepare_cached(open)?;
                open.query_row([posto_id], |row| row.get(0))?
            }
        };
        context.changes.push(Change::Posto(*posto_id));
        Ok(id)
    }
}

/// Ends a charging session; repeating it with the same energy changes nothing.
#[derive(Debug, Clone)]
pub struct FinishCarregamento {
    pub posto_id: i64,
    pub id: i64,
    pub energia_fornecida: Kwh,
}

impl WriteCommand for FinishCarregamento {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let Self { posto_id, id, energia_fornecida } = *self;
        let row = context.find::<CarregamentoRow>(CarregamentoRow::SELECT, [id, posto_id])?;
        let row = row.ok_or(Rejection::CarregamentoInexistente { id, posto_id })?;
        let session = Carregamento::try_from(row)?;
        match decide_carregamento_finish(&session, energia_fornecida, context.now)? {
            Effect::Now(finished) => {
                context.execute(
                    "UPDATE carregamentos SET fim = ?2, energia_fornecida = ?3, custo = ?4
                     WHERE id = ?1",
                    params![
                        id,
                        finished.fim.as_millis(),
                        finished.energia_fornecida.get(),
                        finished.custo
                    ],
                )?;
                let (before, after) = (amounts(None), amounts(Some(finished)));
                let target = Target::Carregamento(id);
                context.audit_change(Action::Finish, target, &before, &after)?;
                if let Some(placa) = &session.placa {
                    update_em_carregamento(context, placa)?;
                }
                context.update_absences(posto_id)?;
            }
            Effect::Already(_) => {}
        }
        context.changes.push(Change::Posto(posto_id));
        Ok(())
    }
}

fn amounts(finished: Option<Finished>) -> AuditFields {
    audit_fields! {
        "energia_fornecida": finished.map(|finished| finished.energia_fornecida.get()),
        "custo": finished.map(|finished| finished.custo),
    }
}

/// A carro charges while any session of it is open: one at another posto may never have been
/// ended.
fn update_em_carregamento(context: &WriteContext<'_>, placa: &Placa) -> Result<(), StoreError> {
    context.execute(
        "UPDATE carros SET updated_at = ?2, em_carregamento = EXISTS (
             SELECT 1 FROM carregamentos WHERE placa = ?1 AND fim IS NULL)
         WHERE placa = ?1",
        params![placa.as_str(), context.now.as_millis()],
    )?;
    Ok(())
}
