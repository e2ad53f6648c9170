//! The reservas that are affected when a posto is taken away, and moving them to others.

use domain::{
    Disposition, Interval, Localizacao, Moment, MovePlan, Placa, PostoSite, Reserva, ReservaState,
    Substitute, ToMove, is_affected, substitutes,
};
use rusqlite::params;

use crate::failpoints::{self, Bug};
use crate::store::audit::{Action, AuditFields, Target, audit_fields};
use crate::store::environment::Change;
use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::rows::{self, row};
use crate::store::writer::command::WriteContext;

/// A reserva that is affected, with the client that made it.
pub(in crate::store::writer) struct Affected {
    pub(in crate::store::writer) reserva: Reserva,
    pub(in crate::store::writer) client_id: Option<String>,
}

row! {
    struct PostoSiteRow {
        id: i64,
        localizacao: String,
        tipo_conector: String,
        potencia_maxima: f64,
    }
}

impl TryFrom<PostoSiteRow> for PostoSite {
    type Error = StoreError;

    fn try_from(row: PostoSiteRow) -> Result<Self, StoreError> {
        let PostoSiteRow { id, localizacao, tipo_conector, potencia_maxima } = row;
        let corrupt = |_| StoreError::Corrupt(format!("place of posto {id}"));
        let localizacao = Localizacao::new(&localizacao).map_err(corrupt)?;
        Ok(Self { posto_id: id, localizacao, tipo_conector, potencia_maxima })
    }
}

impl WriteContext<'_> {
    /// The reservas that are affected if a posto is taken away, by their begin.
    pub(in crate::store::writer) fn affected_reservas(
        &self,
        posto_id: i64,
        until: Option<Moment>,
    ) -> Result<Vec<Affected>, StoreError> {
        let posto = self.posto_facts(posto_id)?;
        let charging = posto.and_then(|posto| posto.charging);
        let rows = self.find_all::<ReservaRow>(
            "SELECT * FROM reservas WHERE posto_id = ?1 AND held_until > ?2
             ORDER BY inicio, id",
            params![posto_id, self.now.as_millis()],
        )?;
        let mut affected = Vec::new();
        for row in rows {
            // One that was forgotten has ended, as far as its carro knew.
            let Some(reserva) = row.reserva()? else { continue };
            if is_affected(&reserva, charging.as_ref(), until, self.now) {
                affected.push(Affected { reserva: reserva.at(self.now), client_id: row.client_id });
            }
        }
        Ok(affected)
    }

    /// Where the affected reservas of a posto will go; nowhere if they are not to be moved.
    pub(in crate::store::writer) fn plan_moves(
        &mut self,
        posto_id: i64,
        affected: &[Affected],
        disposition: Disposition,
    ) -> Result<MovePlan, StoreError> {
        let now = self.now;
        let rest = |reserva: &Reserva| {
            let until = reserva.facts.held_until()?;
            Interval::new(reserva.facts.interval.inicio().max(now), until).ok()
        };
        let to_move =
            affected.iter().filter(|_| disposition == Disposition::Move).filter_map(|affected| {
                let Reserva { id, placa, .. } = &affected.reserva;
                Some(ToMove { id: *id, placa: placa.clone(), rest: rest(&affected.reserva)? })
            });
        let to_move: Vec<ToMove> = to_move.collect();
        let ends = to_move.iter().map(|reserva| reserva.rest.fim()).max();
        let mut plan = MovePlan::new(to_move, now);
        let Some(end) = ends else { return Ok(plan) };
        for posto_id in self.substitutes_of(posto_id)? {
            if plan.is_complete() {
                break;
            }
            let charging = self.charging_at(posto_id)?;
            let holdings = self.settle_and_read_holdings(posto_id, now, end)?;
            plan.offer(&Substitute { posto_id, charging, holdings });
        }
        Ok(plan)
    }

    /// The postos in service that can stand in for one, the nearest first.
    fn substitutes_of(&self, posto_id: i64) -> Result<Vec<i64>, StoreError> {
        let one =
            "SELECT id, localizacao, tipo_conector, potencia_maxima FROM postos WHERE id = ?1";
        let Some(posto) = self.find::<PostoSiteRow>(one, [posto_id])? else {
            return Ok(Vec::new());
        };
        let others = self.find_all::<PostoSiteRow>(
            "SELECT id, localizacao, tipo_conector, potencia_maxima FROM postos
             WHERE removed_at IS NULL AND in_service AND NOT em_manutencao AND id <> ?1",
            [posto_id],
        )?;
        let others = others.into_iter().map(PostoSite::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(substitutes(&posto.try_into()?, others))
    }

    fn charging_at(&self, posto_id: i64) -> Result<Option<Placa>, StoreError> {
        let open = "SELECT placa FROM carregamentos WHERE posto_id = ?1 AND fim IS NULL";
        let charging: Option<Option<String>> = self.find_value(open, [posto_id])?;
        charging.flatten().as_deref().map(rows::placa).transpose()
    }

    /// Gives a reserva another posto, as its operator says, and reports it. What was agreed of its
    /// interval and price stays; its carro, wherever it came, has a whole tolerance to come there. The
    /// absences of that posto are to be computed anew.
    pub(in crate::store::writer) fn move_reserva(
        &mut self,
        reserva: &mut Reserva,
        client_id: Option<String>,
        posto_id: i64,
    ) -> Result<(), StoreError> {
        let before = shown(reserva);
        let is_there = self.charging_at(posto_id)?.as_ref() == Some(&reserva.placa);
        self.keep_hold(reserva.posto_id, &reserva.facts)?;
        let facts = reserva.facts.moved(self.now);
        reserva.posto_id = posto_id;
        reserva.facts = if is_there { facts.fulfilled_on_change(self.now) } else { facts };
        if reserva.facts.state == ReservaState::Cumprida
            && let Some(session) = self.open_session(posto_id)?
        {
            self.link_session(session, reserva)?;
        }
        self.execute(
            "UPDATE reservas SET posto_id = ?2, status = ?3, desde = ?4, versao = ?5,
                 falta_em = NULL, chegou_em = NULL, aviso = NULL, updated_at = ?6
             WHERE id = ?1",
            params![
                reserva.id,
                posto_id,
                reserva.facts.state.as_str(),
                reserva.facts.desde.as_millis(),
                reserva.facts.versao,
                self.now.as_millis()
            ],
        )?;
        if failpoints::has(Bug::MoveLosesReserva) {
            self.execute(
                "UPDATE reservas SET status = 'cancelada', motivo = 'manutencao', desde = ?2
                 WHERE id = ?1",
                params![reserva.id, self.now.as_millis()],
            )?;
        }
        self.audit_change(Action::Move, Target::Reserva(reserva.id), &before, &shown(reserva))?;
        self.changes.push(Change::Posto(posto_id));
        self.reserva_changed(reserva, client_id);
        Ok(())
    }
}

fn shown(reserva: &Reserva) -> AuditFields {
    audit_fields! {"posto_id": reserva.posto_id, "status": reserva.facts.state.as_str()}
}
