//! Whether a reserva may be changed, and what it then is.

use crate::{
    Effect, Holding, Interval, IntervalError, MAX_LATE, Moment, PostoFacts, Rejection, Reserva,
    ReservaFacts, ReservaState, Rules, millis,
};

/// What to change of a reserva; what is `None` stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReservaChange {
    pub posto_id: Option<i64>,
    pub inicio: Option<Moment>,
    pub fim: Option<Moment>,
}

/// A reserva as a change leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedReserva {
    pub posto_id: i64,
    /// When the absence of its carro is due is not decided here.
    pub facts: ReservaFacts,
    /// It begins at another time or posto, so that the time in which its carro is expected begins
    /// anew.
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
    /// It cannot be reserved at any posto.
    pub fn interval(
        &self,
        agreed: Interval,
        rules: &Rules,
        now: Moment,
    ) -> Result<Interval, IntervalError> {
        let inicio = self.inicio.unwrap_or(agreed.inicio());
        let fim = self.fim.unwrap_or(agreed.fim());
        let moves = inicio != agreed.inicio();
        if !moves && fim == agreed.fim() {
            return Ok(agreed);
        }
        if moves && agreed.inicio() <= now {
            return Err(IntervalError::InicioBegun);
        }
        if fim <= inicio {
            // What was left out is not what is wrong.
            return Err(match self.fim {
                Some(_) => IntervalError::FimNotAfterInicio,
                None => IntervalError::InicioNotBeforeFim,
            });
        }
        if fim <= now {
            return Err(IntervalError::FimInPast);
        }
        if moves && inicio < now.plus_millis(-MAX_LATE) {
            return Err(IntervalError::InicioInPast);
        }
        if moves && inicio > now.plus_millis(millis(rules.antecedencia)) {
            return Err(IntervalError::TooFarAhead { antecedencia: rules.antecedencia });
        }
        if fim > inicio.plus_millis(millis(rules.maxima)) {
            return Err(IntervalError::TooLong { maxima: rules.maxima });
        }
        // Nobody holds a posto in the past. What has begun did so at `inicio`.
        Interval::new(if moves { inicio.max(now) } else { inicio }, fim)
    }
}

/// Decides a change at `now`. `posto` is the one that the reserva is to have, and `holdings` what
/// holds that, at least during the new interval; its own may be among them.
///
/// It is refused as a new reservation of the same would be, but for the limit of a carro: it has no
/// more reservas than before. The same values are no change.
pub fn decide_alteracao<'a>(
    reserva: &Reserva,
    change: &ReservaChange,
    server_id: &str,
    posto: Option<&PostoFacts>,
    holdings: impl IntoIterator<Item = &'a Holding>,
    rules: &Rules,
    now: Moment,
) -> Result<Effect<ChangedReserva>, Rejection> {
    let facts = reserva.facts.at(now);
    if facts.is_over(now) {
        return Err(Rejection::ReservaEncerrada);
    }
    let agreed = facts.interval;
    let posto_id = change.posto_of(reserva);
    let posto = posto
        .ok_or_else(|| Rejection::PostoInexistente { posto_id, server_id: server_id.to_owned() })?;
    let is_moved = posto_id != reserva.posto_id;
    let begins_elsewhen = change.inicio.is_some_and(|inicio| inicio != agreed.inicio());
    let is_expected_anew = is_moved || begins_elsewhen;
    if facts.state == ReservaState::Cumprida && is_expected_anew {
        return Err(Rejection::ReservaEmUso);
    }
    if !is_expected_anew && change.fim.is_none_or(|fim| fim == agreed.fim()) {
        let same = ChangedReserva { posto_id, facts, is_expected_anew };
        return Ok(Effect::Already(same));
    }
    let interval = change.interval(agreed, rules, now).map_err(Rejection::Interval)?;
    posto.check_service()?;
    // Reservas of one posto never overlap, so the one with this end is its own.
    let is_own = |holding: &&Holding| !is_moved && holding.interval.fim() == agreed.fim();
    let others = holdings.into_iter().filter(|holding| !is_own(holding));
    posto.check_free(&reserva.placa, from_now(interval, now), others, now)?;
    let is_longer = interval.length() > agreed.length();
    let preco_kwh = if is_moved || is_longer { posto.preco_kwh } else { facts.preco_kwh };
    // It was about the posto that it had.
    let aviso = facts.aviso.filter(|_| !is_moved);
    let versao = facts.versao + 1;
    let mut facts = ReservaFacts { interval, preco_kwh, versao, aviso, ..facts };
    // Its carro is there already.
    let is_charging = posto.charging.as_ref() == Some(&reserva.placa);
    if is_expected_anew && is_charging && interval.contains(now) {
        facts =
            ReservaFacts { state: ReservaState::Cumprida, desde: now, in_session: false, ..facts };
    }
    Ok(Effect::Now(ChangedReserva { posto_id, facts, is_expected_anew }))
}

/// What is left of an interval: a reserva holds another posto from the change on, whoever held that
/// before.
pub fn from_now(interval: Interval, now: Moment) -> Interval {
    Interval::new(interval.inicio().max(now), interval.fim()).unwrap_or(interval)
}

#[cfg(test)]
mod tests;
