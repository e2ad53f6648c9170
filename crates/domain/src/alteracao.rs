//! Whether a reserva may be changed, and what it then is.

use crate::reserva::existing;
use crate::{
    Effect, Holding, Interval, IntervalError, Moment, PostoFacts, Rejection, Reserva, ReservaFacts,
    ReservaState, Rules,
};

/// What to change of a reserva; what is `None` stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReservaChange {
    pub posto_id: Option<i64>,
    pub inicio: Option<Moment>,
    pub fim: Option<Moment>,
}

/// A reserva as a change leaves it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangedReserva<'a> {
    pub posto_id: i64,
    pub posto: &'a PostoFacts,
    /// When the absence of its carro is due is decided by [`crate::AbsenceFacts::due_after_change`].
    pub facts: ReservaFacts,
    /// It begins at another time or posto, so that its carro has not come there.
    pub is_expected_anew: bool,
}

impl ReservaChange {
    /// The posto that the reserva is to have.
    pub fn posto_of(&self, reserva: &Reserva) -> i64 {
        self.posto_id.unwrap_or(reserva.posto_id)
    }

    /// The interval that it is to have. What stays was agreed and is not judged again.
    ///
    /// # Errors
    /// It cannot be reserved at any posto: what is wrong, each field once.
    pub fn interval(
        &self,
        agreed: Interval,
        rules: &Rules,
        now: Moment,
    ) -> Result<Interval, Vec<IntervalError>> {
        let inicio = self.inicio.unwrap_or(agreed.inicio());
        let fim = self.fim.unwrap_or(agreed.fim());
        let moves = inicio != agreed.inicio();
        if !moves && fim == agreed.fim() {
            return Ok(agreed);
        }
        let has_begun = moves && agreed.inicio() <= now;
        // What was left out is not what is wrong.
        let wrong_inicio = match self.fim {
            _ if !moves => None,
            _ if has_begun => Some(IntervalError::InicioBegun),
            None if fim <= inicio => Some(IntervalError::InicioNotBeforeFim),
            _ => IntervalError::of_inicio(inicio, rules, now),
        };
        let is_judged = wrong_inicio.is_none() || self.fim.is_some_and(|fim| fim != agreed.fim());
        let from = if has_begun { agreed.inicio() } else { inicio };
        let wrong_fim =
            is_judged.then(|| IntervalError::of_fim(fim, from, wrong_inicio, rules, now)).flatten();
        IntervalError::check(wrong_inicio, wrong_fim)?;
        // Nobody holds a posto in the past. What has begun did so at `inicio`.
        let inicio = if moves { inicio.max(now) } else { inicio };
        Interval::new(inicio, fim).map_err(|wrong| vec![wrong])
    }
}

/// Decides a change at `now`. `posto` is the posto the reserva shall have afterwards; `holdings` are
/// the reservas that hold it during the new interval, this one possibly among them.
///
/// Refused for the same reasons as a new reservation, except the limit per carro. A change to the
/// same values succeeds and does nothing. A change that only gives back time needs neither a posto
/// in service nor a free one.
pub fn decide_alteracao<'a, 'p>(
    reserva: &Reserva,
    change: &ReservaChange,
    server_id: &str,
    posto: Option<&'p PostoFacts>,
    holdings: impl IntoIterator<Item = &'a Holding>,
    rules: &Rules,
    now: Moment,
) -> Result<Effect<ChangedReserva<'p>>, Rejection> {
    let facts = reserva.facts.at(now);
    if facts.is_over(now) {
        return Err(Rejection::ReservaEncerrada);
    }
    let agreed = facts.interval;
    let posto_id = change.posto_of(reserva);
    let posto = existing(posto, posto_id, server_id)?;
    let is_moved = posto_id != reserva.posto_id;
    let begins_anew = change.inicio.is_some_and(|inicio| inicio != agreed.inicio());
    let is_expected_anew = is_moved || begins_anew;
    let is_fulfilled = facts.state == ReservaState::Cumprida;
    if is_fulfilled && is_expected_anew {
        return Err(Rejection::ReservaEmUso);
    }
    let changed = |facts| ChangedReserva { posto_id, posto, facts, is_expected_anew };
    if !is_expected_anew && change.fim.is_none_or(|fim| fim == agreed.fim()) {
        return Ok(Effect::Already(changed(facts)));
    }
    let interval = change.interval(agreed, rules, now).map_err(Rejection::Interval)?;
    let wanted = if is_moved {
        from_now(interval, now)
    } else {
        // A clock that was set back to before it had this posto gives it no time there.
        let from = facts.posto_desde.map_or(now, |since| since.max(now)).max(interval.inicio());
        Interval::new(from, interval.fim())
            .map_err(|_| Rejection::Interval(vec![IntervalError::FimInPast]))?
    };
    let gives_back = !is_moved && facts.held().is_some_and(|held| held.covers(wanted));
    if !gives_back {
        posto.check_service()?;
        // Reservas of one posto never overlap, so the one with this end is its own.
        let is_own = |holding: &&Holding| !is_moved && holding.interval.fim() == agreed.fim();
        let others = holdings.into_iter().filter(|holding| !is_own(holding));
        posto.check_free(&reserva.placa, wanted, others, now)?;
    }
    let is_dearer = is_moved || interval.length() > agreed.length();
    // A session that has begun goes on at the price that its reserva had.
    let preco_kwh = if is_dearer && !is_fulfilled { posto.preco_kwh } else { facts.preco_kwh };
    let facts = ReservaFacts { interval, preco_kwh, ..facts };
    let facts = if is_moved {
        facts.moved(now)
    } else {
        ReservaFacts { versao: facts.versao + 1, ..facts }
    };
    let is_there = is_expected_anew && posto.charging.as_ref() == Some(&reserva.placa);
    Ok(Effect::Now(changed(if is_there { facts.fulfilled_on_change(now) } else { facts })))
}

/// What is left of an interval: a reserva holds another posto from the change on, so what held that
/// before is not in the way.
pub fn from_now(interval: Interval, now: Moment) -> Interval {
    Interval::new(interval.inicio().max(now), interval.fim()).unwrap_or(interval)
}

#[cfg(test)]
mod tests;
