//! Everything that happened, minute by minute, and a plain count of it.

use std::collections::BTreeMap;

use domain::{Figures, Moment, Motivo, Rejection, ReservaState};

use super::world::MINUTE;
use crate::store::answers::stored_rejection::{example, rejection_name};
use crate::store::{Counted, CountedPosto, CountedRefusals, Statistics, StatisticsQuery};

/// A reserva as it was seen last.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenReserva {
    pub(super) posto_id: i64,
    pub(super) made: i64,
    pub(super) state: ReservaState,
    pub(super) motivo: Option<Motivo>,
    pub(super) desde: i64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SeenSession {
    pub(super) posto_id: i64,
    pub(super) inicio: i64,
    /// When it ended, with how many Wh, and what it cost in centavos.
    pub(super) ended: Option<(i64, i64, i64)>,
}

/// What a posto was in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    InService,
    Maintenance,
    OutOfService,
    Held,
}

#[derive(Debug, Default)]
pub(super) struct Reference {
    /// By minute.
    pub(super) seen: Vec<(i64, i64, Use)>,
    pub(super) reservas: BTreeMap<i64, SeenReserva>,
    pub(super) sessions: BTreeMap<i64, SeenSession>,
    /// When, at which posto if it is known, and what.
    pub(super) refusals: Vec<(i64, Option<i64>, Rejection)>,
    /// By id: their names, and whether they were removed.
    pub(super) postos: BTreeMap<i64, (String, bool)>,
}

#[derive(Default)]
struct Sum {
    figures: Figures,
    refusals: BTreeMap<&'static str, i64>,
}

impl Sum {
    fn counted(self) -> Counted {
        let refusals = self.refusals.into_iter().map(|(name, count)| CountedRefusals {
            rejection: example(name).expect("a known name"),
            count,
        });
        Counted { figures: self.figures, refusals: refusals.collect() }
    }
}

impl Reference {
    pub(super) fn statistics(&self, query: &StatisticsQuery, now: Moment) -> Statistics {
        let count = |from: Moment, until: Moment, posto_id: Option<i64>| {
            self.count(from.as_millis(), until.as_millis(), posto_id, now.as_millis())
        };
        let steps = query.steps.iter().map(|(from, until)| count(from, until, query.posto_id));
        let (from, until) = (query.steps.inicio(), query.steps.fim());
        let postos =
            self.postos.iter().filter(|(id, _)| query.posto_id.is_none_or(|one| one == **id));
        let postos = postos.map(|(id, (nome, is_removed))| CountedPosto {
            id: *id,
            nome: nome.clone(),
            is_removed: *is_removed,
            counted: count(from, until, Some(*id)).counted(),
        });
        let postos = postos.filter(|posto| posto.counted != Counted::default());
        Statistics {
            steps: steps.map(Sum::counted).collect(),
            total: count(from, until, query.posto_id).counted(),
            postos: postos.collect(),
            counted_at: now,
        }
    }

    fn count(&self, from: i64, until: i64, posto_id: Option<i64>, now: i64) -> Sum {
        let within = |moment: i64| from <= moment && moment < until;
        let is_asked = |posto: i64| posto_id.is_none_or(|one| one == posto);
        let mut sum = Sum::default();
        let figures = &mut sum.figures;
        for (minute, posto, seen) in &self.seen {
            if within(*minute) && *minute < now && is_asked(*posto) {
                *match seen {
                    Use::InService => &mut figures.in_service,
                    Use::Maintenance => &mut figures.maintenance,
                    Use::OutOfService => &mut figures.out_of_service,
                    Use::Held => &mut figures.held,
                } += MINUTE;
            }
        }
        for reserva in self.reservas.values().filter(|reserva| is_asked(reserva.posto_id)) {
            figures.made += i64::from(within(reserva.made));
            if within(reserva.desde) {
                count_end(figures, reserva);
            }
        }
        for session in self.sessions.values().filter(|session| is_asked(session.posto_id)) {
            let fim = session.ended.map_or(now, |(fim, ..)| fim);
            let minutes = (session.inicio..fim).step_by(MINUTE as usize);
            figures.charging += MINUTE * minutes.filter(|minute| within(*minute)).count() as i64;
            if let Some((fim, wh, cost)) = session.ended
                && within(fim)
            {
                figures.sessions += 1;
                figures.energy += wh * 1000;
                figures.cost += cost;
            }
        }
        for (moment, posto, rejection) in &self.refusals {
            if within(*moment) && posto_id.is_none_or(|one| *posto == Some(one)) {
                let name = rejection_name(rejection).expect("a stored refusal");
                *sum.refusals.entry(name).or_default() += 1;
            }
        }
        sum
    }
}

fn count_end(figures: &mut Figures, reserva: &SeenReserva) {
    let state = match reserva.state {
        ReservaState::Ativa => return,
        ReservaState::Cumprida => &mut figures.cumprida,
        ReservaState::Encerrada => &mut figures.encerrada,
        ReservaState::NaoCompareceu => &mut figures.nao_compareceu,
        ReservaState::Cancelada => &mut figures.cancelada,
    };
    *state += 1;
    let motivo = match reserva.motivo {
        Some(Motivo::Pedido) => &mut figures.pedido,
        Some(Motivo::Operador) => &mut figures.operador,
        Some(Motivo::Manutencao) => &mut figures.manutencao,
        Some(Motivo::PostoRemovido) => &mut figures.posto_removido,
        Some(Motivo::Ausencia) | None => return,
    };
    *motivo += 1;
}
