//! Starting and finishing charging sessions.

use domain::{
    Carregamento, Effect, Finished, Moment, Placa, Price, Rejection, ReportedEnergy,
    decide_carregamento_finish, decide_carregamento_start,
};
use rusqlite::params;

use super::command::{ApplyError, WriteCommand, WriteContext};
use super::reservas::fulfilment::SessionCarro;
use crate::store::audit::{Action, AuditFields, Target, audit_fields, time};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::carros::CarregamentoRow;
use crate::store::rows::reservas::ReservaRow;

/// Lets a carro start charging now, which fulfils the reserva of the carro that holds the posto, if there
/// is one. The output is the id of the session, also of one that is open already.
#[derive(Debug, Clone)]
pub struct StartCarregamento {
    pub posto_id: i64,
    pub placa: Placa,
}

impl WriteCommand for StartCarregamento {
    type Output = i64;

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<i64, ApplyError> {
        self.begin(context, None)
    }
}

impl StartCarregamento {
    /// Starts the session now. `first_inicio` is its begin as it was reported, if that is another moment.
    pub(super) fn begin(
        &self,
        context: &mut WriteContext<'_>,
        first_inicio: Option<Moment>,
    ) -> Result<i64, ApplyError> {
        let Self { posto_id, placa } = self;
        let (posto_id, now) = (*posto_id, context.now);
        let posto = context.posto_facts(posto_id)?;
        let posto = posto.ok_or_else(|| context.posto_inexistente(posto_id))?;
        let holdings = context.settle_and_read_holdings(posto_id, now, now.plus_millis(1))?;
        let elsewhere = context.charging_elsewhere(placa, posto_id)?;
        // What is reported with a begin of its own is no repeat of a start: it overlaps, as it will when
        // that begin has passed.
        if first_inicio.is_some()
            && let Some(id) =
                context.overlapping_session(posto_id, Some(placa), (now, None), None)?
        {
            return Err(Rejection::CarregamentoSobreposto { id }.into());
        }
        let decided =
            decide_carregamento_start(placa, &posto, &holdings, elsewhere.as_deref(), now);
        let open = context.open_session(posto_id)?;
        let id = match (decided?, open) {
            (Effect::Already(()), Some(id)) => id,
            _ => {
                let own = context.reservas_held_by(posto_id, placa, now, now.plus_millis(1))?;
                let own = own.into_iter().next();
                let agreed = own.as_ref().map(ReservaRow::facts).transpose()?;
                let session = NewSession {
                    posto_id,
                    placa,
                    inicio: now,
                    first_inicio,
                    preco_kwh: agreed.map_or(posto.preco_kwh, |facts| facts.preco_kwh),
                    own_price: posto.preco_kwh,
                    finished: None,
                    reserva_id: own.as_ref().map(|row| row.id),
                };
                let id = session.insert(context)?;
                let mut after = audit_fields! {"posto_id": posto_id};
                if let Some(reserva_id) = session.reserva_id {
                    after.insert("reserva_id".to_owned(), reserva_id.into());
                }
                context.audit(Action::Start, Target::Carregamento(id), None, Some(&after))?;
                if let Some(row) = own {
                    context.fulfil(row, now, SessionCarro::Charges)?;
                }
                context.forget_arrivals_elsewhere(placa, posto_id)?;
                context.session_changed(posto_id, Some(placa))?;
                id
            }
        };
        context.changes.push(Change::Posto(posto_id));
        Ok(id)
    }
}

/// A session that is to be recorded.
pub(super) struct NewSession<'a> {
    pub(super) posto_id: i64,
    pub(super) placa: &'a Placa,
    pub(super) inicio: Moment,
    /// Its begin as it was reported, if that is another one.
    pub(super) first_inicio: Option<Moment>,
    pub(super) preco_kwh: Price,
    /// Its price if it should turn out that it fulfils no reserva.
    pub(super) own_price: Price,
    pub(super) finished: Option<Finished>,
    pub(super) reserva_id: Option<i64>,
}

impl NewSession<'_> {
    /// Adds the session to the table and returns its id.
    pub(super) fn insert(&self, context: &WriteContext<'_>) -> Result<i64, StoreError> {
        let finished = self.finished;
        context.execute(
            "INSERT INTO carregamentos
                 (posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id,
                  own_price, first_inicio)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                self.posto_id,
                self.placa.as_str(),
                self.inicio.as_millis(),
                self.preco_kwh.get(),
                finished.map(|finished| finished.fim.as_millis()),
                finished.map(|finished| finished.energia_fornecida.get()),
                finished.map(|finished| finished.custo.brl()),
                self.reserva_id,
                self.reserva_id.map(|_| self.own_price.get()),
                self.first_inicio.map(Moment::as_millis)
            ],
        )?;
        Ok(context.connection.last_insert_rowid())
    }
}

/// Ends a charging session; repeating it with the same energy changes nothing.
#[derive(Debug, Clone)]
pub struct FinishCarregamento {
    pub posto_id: i64,
    pub id: i64,
    pub energy: ReportedEnergy,
    /// `None`: now.
    pub fim: Option<Moment>,
}

impl WriteCommand for FinishCarregamento {
    type Output = ();

    fn apply(&self, context: &mut WriteContext<'_>) -> Result<(), ApplyError> {
        let Self { posto_id, id, energy, fim } = *self;
        // While the carro still charges; it may change whose price the session has. What begins at the
        // reported end begins without it.
        let left = fim.map_or(context.now, |fim| fim.plus_millis(-1).min(context.now));
        context.write_begun(posto_id, left)?;
        let row = context.find::<CarregamentoRow>(CarregamentoRow::SELECT, [id, posto_id])?;
        let row = row.ok_or(Rejection::CarregamentoInexistente { id, posto_id })?;
        let own_price = row.own_price()?;
        let recorded = Carregamento::try_from(row)?;
        let wrong = match fim {
            Some(fim) => context.wrongly_fulfilled(&recorded, fim)?,
            None => Vec::new(),
        };
        let lost = wrong.iter().any(|wrong| recorded.reserva_id == Some(wrong.reserva.id));
        let session = if lost { recorded.without_reserva(own_price) } else { recorded };
        let posto = context.energy_source(posto_id, session.inicio)?;
        match decide_carregamento_finish(&session, energy, fim, &posto, context.now)? {
            Effect::Now(finished) => {
                context.execute(
                    "UPDATE carregamentos SET fim = ?2, energia_fornecida = ?3, custo = ?4,
                         reserva_id = ?5, preco_kwh = ?6
                     WHERE id = ?1",
                    params![
                        id,
                        finished.fim.as_millis(),
                        finished.energia_fornecida.get(),
                        finished.custo.brl(),
                        session.reserva_id,
                        session.preco_kwh.get()
                    ],
                )?;
                let Finished { energia_fornecida, custo, .. } = finished;
                context.recorded.session(energia_fornecida, custo);
                let (before, mut after) = (amounts(None), amounts(Some(finished)));
                if fim.is_some() {
                    after.insert("fim".to_owned(), time(finished.fim).into());
                }
                let target = Target::Carregamento(id);
                context.audit_change(Action::Finish, target, &before, &after)?;
                for wrong in wrong {
                    context.unfulfil(wrong)?;
                }
                context.session_ended(&session)?;
                context.session_changed(posto_id, session.placa.as_ref())?;
            }
            Effect::Already(_) => {}
        }
        context.changes.push(Change::Posto(posto_id));
        Ok(())
    }
}

pub(super) fn amounts(finished: Option<Finished>) -> AuditFields {
    audit_fields! {
        "energia_fornecida": finished.map(|finished| finished.energia_fornecida.get()),
        "custo": finished.map(|finished| finished.custo.brl()),
    }
}

impl WriteContext<'_> {
    /// Writes whether a carro charges, and computes anew when absences at the posto are due. Called when
    /// a session of this carro at this posto has begun or ended.
    pub(super) fn session_changed(
        &mut self,
        posto_id: i64,
        placa: Option<&Placa>,
    ) -> Result<(), StoreError> {
        // A carro charges while any session of it is open: one at another posto may never have been
        // ended.
        self.execute(
            "UPDATE carros SET updated_at = ?2, em_carregamento = EXISTS (
                 SELECT 1 FROM carregamentos WHERE placa = ?1 AND fim IS NULL)
             WHERE placa = ?1",
            params![placa.map(Placa::as_str), self.now.as_millis()],
        )?;
        self.update_absences(posto_id)
    }
}
