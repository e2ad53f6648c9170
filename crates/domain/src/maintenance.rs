//! What becomes of the reservas of a posto that its operator takes away.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use crate::{
    Holding, Interval, Localizacao, Moment, Placa, Rejection, Reserva, ReservaState, TipoConector,
    words,
};

words! {
    /// What an operator wants done with the reservas of a posto that is taken away.
    pub enum Disposition {
        /// They stay: the posto may be back in time.
        Keep = "manter",
        /// Each gets the nearest posto that will do, if there is one.
        Move = "mover",
        Cancel = "cancelar",
    }
}

/// Whether a reserva is affected when its posto is taken away: it holds the posto now or later, and
/// its carro is not charging there. With `until`, only if it begins before.
pub fn is_affected(
    reserva: &Reserva,
    charging: Option<&Placa>,
    until: Option<Moment>,
    now: Moment,
) -> bool {
    let facts = reserva.facts.at(now);
    // The session of a carro may have begun before its reserva, whose state then follows.
    let charges = charging == Some(&reserva.placa) && facts.interval.contains(now);
    facts.state == ReservaState::Ativa
        && facts.held_until().is_some_and(|until| now < until)
        && until.is_none_or(|until| facts.interval.inicio() < until)
        && !charges
}

/// What of a posto decides whether it can stand in for another.
#[derive(Debug, Clone, PartialEq)]
pub struct PostoSite {
    pub posto_id: i64,
    pub localizacao: Localizacao,
    pub tipo_conector: String,
    /// In kW.
    pub potencia_maxima: f64,
}

/// Those of these postos that can stand in for another, the nearest first: the same connector, and
/// at least the power.
pub fn substitutes(posto: &PostoSite, others: impl IntoIterator<Item = PostoSite>) -> Vec<i64> {
    let stands_in = |other: &PostoSite| {
        TipoConector::is_same(&other.tipo_conector, &posto.tipo_conector)
            && other.potencia_maxima >= posto.potencia_maxima
    };
    let others = others.into_iter().filter(stands_in);
    let mut by_distance: Vec<(i64, i64)> = others
        .map(|other| (posto.localizacao.distance_to(&other.localizacao), other.posto_id))
        .collect();
    by_distance.sort_unstable();
    by_distance.into_iter().map(|(_, posto_id)| posto_id).collect()
}

/// A posto that reservas may be moved to.
#[derive(Debug, Clone)]
pub struct Substitute {
    pub posto_id: i64,
    /// The carro charging there now.
    pub charging: Option<Placa>,
    /// What holds it now or later. No two overlap.
    pub holdings: Vec<Holding>,
}

/// A reserva that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToMove {
    pub id: i64,
    pub placa: Placa,
    /// What is left of the time for which it holds its posto.
    pub rest: Interval,
}

/// Finds another posto for each reserva of one posto.
///
/// Each gets the nearest that is free for all that is left of it, those that begin earlier first.
/// Whether a posto is free depends on nothing but what holds it, so the postos are offered one by
/// one, the nearest first, and the holdings of those that nobody needs are never read.
#[derive(Debug, Clone)]
pub struct MovePlan {
    now: Moment,
    /// In order of their begin.
    waiting: Vec<ToMove>,
    postos: BTreeMap<i64, i64>,
}

impl MovePlan {
    pub fn new(mut reservas: Vec<ToMove>, now: Moment) -> Self {
        reservas.sort_by_key(|reserva| (reserva.rest.inicio(), reserva.id));
        Self { now, waiting: reservas, postos: BTreeMap::new() }
    }

    /// Whether no reserva is without a posto.
    pub fn is_complete(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Gives the reservas that have no posto yet this one, as far as it is free.
    pub fn offer(&mut self, posto: &Substitute) {
        // By their ends: the first that ends after a begin is the only one that can be over it.
        let intervals = posto.holdings.iter().map(|holding| holding.interval);
        let mut held: BTreeMap<Moment, Interval> =
            intervals.map(|interval| (interval.fim(), interval)).collect();
        let now = self.now;
        self.waiting.retain(|reserva| {
            let rest = reserva.rest;
            let next = held.range((Excluded(rest.inicio()), Unbounded)).next();
            let is_held = next.is_some_and(|(_, held)| held.overlaps(rest));
            // When a session will end is unknown, so it is in the way only of what has begun.
            let another = posto.charging.as_ref().is_some_and(|placa| *placa != reserva.placa);
            let is_in_use = another && rest.contains(now);
            if is_held || is_in_use {
                return true;
            }
            held.insert(rest.fim(), rest);
            self.postos.insert(reserva.id, posto.posto_id);
            false
        });
    }

    /// The posto that a reserva gets; `None` if none was found.
    pub fn posto_of(&self, reserva_id: i64) -> Option<i64> {
        self.postos.get(&reserva_id).copied()
    }

    /// The reservas for which none was found.
    pub fn left(&self) -> Vec<i64> {
        self.waiting.iter().map(|reserva| reserva.id).collect()
    }
}

/// How a posto that is to be removed is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostoUse {
    pub charging: bool,
    /// Reservas that hold it now or later.
    pub held: usize,
    /// Those of them that can be moved and cancelled.
    pub affected: usize,
}

/// Decides whether a posto may be removed, given what is to become of its reservas: never while a carro
/// is charging there.
pub fn decide_posto_removal(
    nome: &str,
    posto: PostoUse,
    disposition: Disposition,
) -> Result<(), Rejection> {
    let nome = || nome.to_owned();
    if posto.charging {
        return Err(Rejection::PostoEmUso { nome: nome() });
    }
    match disposition {
        Disposition::Keep if posto.held > 0 => Err(Rejection::PostoComReservas { nome: nome() }),
        Disposition::Move | Disposition::Cancel if posto.held > posto.affected => {
            Err(Rejection::PostoComReservaCumprida { nome: nome() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
