//! Charging sessions.

use crate::{
    Centavos, Effect, EnergySource, Holding, Kwh, Moment, Placa, PostoFacts, Price, Rejection,
    ReportedEnergy, ReservaFacts, ReservaState, SessionTimeError,
    session_time::{
        is_recorded_as, latest_fim, recorded_time, wrong_fim, wrong_fim_of_open, wrong_inicio,
    },
};

/// A carro charging at a posto, from `inicio` until it is finished.
#[derive(Debug, Clone, PartialEq)]
pub struct Carregamento {
    pub id: i64,
    pub posto_id: i64,
    /// `None` if its carro was forgotten.
    pub placa: Option<Placa>,
    pub inicio: Moment,
    /// That of its reserva, if it has one, else the posto's when it was recorded: when it began, or when
    /// it was reported.
    pub preco_kwh: Price,
    /// `None` while the carro charges.
    pub finished: Option<Finished>,
    /// The reserva that it fulfils, or the first one if there are several.
    pub reserva_id: Option<i64>,
    /// When its times or its energy were corrected last.
    pub corrigido_em: Option<Moment>,
}

impl Carregamento {
    /// The same, if it did not fulfil its reserva after all; `own_price` is its price without it.
    pub fn without_reserva(self, own_price: Option<Price>) -> Self {
        Self { reserva_id: None, preco_kwh: own_price.unwrap_or(self.preco_kwh), ..self }
    }
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finished {
    pub fim: Moment,
    pub energia_fornecida: Kwh,
    pub custo: Centavos,
}

impl Finished {
    fn new(fim: Moment, energia_fornecida: Kwh, preco_kwh: Price) -> Self {
        Self { fim, energia_fornecida, custo: preco_kwh.cost(energia_fornecida) }
    }
}

/// A session that is reported after it began, with the times of the clock of who reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedSession {
    pub inicio: Moment,
    /// When it ended, and with what; `None` while the carro charges.
    pub ended: Option<(Moment, ReportedEnergy)>,
}

/// What a report is to what was reported before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReportEffect<'a> {
    /// Nobody knows of its session.
    New,
    /// It changes nothing of this session, which may have been corrected since.
    Repeats(&'a Carregamento),
    /// This session, which is open, ends so.
    Ends(&'a Carregamento, Moment, ReportedEnergy),
}

impl ReportedSession {
    pub fn fim(&self) -> Option<Moment> {
        self.ended.map(|(fim, _)| fim)
    }

    /// The same with the times that are recorded at `now`.
    pub fn recorded_at(&self, now: Moment) -> Self {
        let ended = self.ended.map(|(fim, energy)| (recorded_time(fim, now), energy));
        Self { inicio: recorded_time(self.inicio, now), ended }
    }

    /// What it is to the sessions that were first reported with its begin, of its carro at its posto,
    /// by id.
    ///
    /// # Errors
    /// One of them has ended in another way, and nobody has corrected it.
    pub fn effect_on<'a>(
        &self,
        recorded: &'a [Carregamento],
        now: Moment,
    ) -> Result<ReportEffect<'a>, Rejection> {
        let Some((fim, energy)) = self.ended else {
            return Ok(recorded.first().map_or(ReportEffect::New, ReportEffect::Repeats));
        };
        let is_same = |session: &&Carregamento| {
            session.finished.is_some_and(|end| {
                end.energia_fornecida == energy.energia_fornecida
                    && is_recorded_as(fim, session.inicio, end.fim)
            })
        };
        if let Some(same) = recorded.iter().find(is_same) {
            return Ok(ReportEffect::Repeats(same));
        }
        // Of several that began at one moment, all but one have ended at once.
        if let Some(open) = recorded.iter().find(|session| session.finished.is_none()) {
            return Ok(ReportEffect::Ends(open, fim, energy));
        }
        if let Some(corrected) = recorded.iter().find(|session| session.corrigido_em.is_some()) {
            return Ok(ReportEffect::Repeats(corrected));
        }
        let Some(Carregamento { id, .. }) = recorded.first() else { return Ok(ReportEffect::New) };
        check_times(self.inicio, Some(fim), now)?;
        Err(Rejection::CarregamentoEncerrado { id: *id })
    }

    /// Whether it may have been at a posto that was removed at `removed_at`, if it was: nobody charges
    /// there now, but what began before has happened.
    pub fn is_known_at(&self, removed_at: Option<Moment>) -> bool {
        removed_at.is_none_or(|removed| self.ended.is_some() && self.inicio < removed)
    }
}

/// The first moment after what is known at `now` of a session. It has at least one moment.
pub fn known_until(inicio: Moment, fim: Option<Moment>, now: Moment) -> Moment {
    fim.map_or(now.plus_millis(1), |fim| fim.max(inicio.plus_millis(1)))
}

/// What was wrong in the record of a session that has ended; the rest stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Correction {
    pub inicio: Option<Moment>,
    pub fim: Option<Moment>,
    pub energia_fornecida: Option<Kwh>,
    pub confirmado: bool,
}

/// Refuses times that no session can have that is known at `now`.
fn check_times(inicio: Moment, fim: Option<Moment>, now: Moment) -> Result<(), Rejection> {
    let wrong_begin = wrong_inicio(inicio, now);
    let wrong_end = fim.and_then(|fim| wrong_fim(inicio, fim, now));
    // Of two that are in the wrong order, an `inicio` that is wrong by itself is at fault.
    let is_wrong_order = wrong_end == Some(SessionTimeError::FimBeforeInicio);
    let wrong_end = wrong_end.filter(|_| !is_wrong_order || wrong_begin.is_none());
    let wrong: Vec<_> = wrong_begin.into_iter().chain(wrong_end).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Rejection::SessionTimes(wrong)) }
}

/// Decides whether a carro may start charging at `now`: not at a posto that is out of service, or
/// that another carro holds or charges at, and not while it charges elsewhere. `holdings` are the
/// reservas that hold the posto now, `elsewhere` names a posto where the carro charges.
pub fn decide_carregamento_start(
    placa: &Placa,
    posto: &PostoFacts,
    holdings: &[Holding],
    elsewhere: Option<&str>,
    now: Moment,
) -> Result<Effect, Rejection> {
    let nome = || posto.nome.clone();
    if posto.charging.as_ref() == Some(placa) {
        return Ok(Effect::Already(()));
    }
    if let Some(nome) = elsewhere {
        return Err(Rejection::CarroEmCarregamento { nome: nome.to_owned() });
    }
    posto.check_service()?;
    if posto.charging.is_some() {
        return Err(Rejection::PostoOcupado { nome: nome() });
    }
    let another =
        |holding: &Holding| holding.placa.as_ref() != Some(placa) && holding.interval.contains(now);
    if holdings.iter().any(another) {
        return Err(Rejection::PostoReservado { nome: nome() });
    }
    Ok(Effect::Now(()))
}

/// Decides whether a session that is reported afterwards is recorded, and how it ended. It has
/// happened, so only what cannot be true refuses it: `overlapping` is another session at the same
/// time, of the same posto or carro.
pub fn decide_carregamento_report(
    session: &ReportedSession,
    preco_kwh: Price,
    posto: &EnergySource,
    overlapping: Option<i64>,
    now: Moment,
) -> Result<Option<Finished>, Rejection> {
    let inicio = session.inicio;
    check_times(inicio, session.fim(), now)?;
    if let Some(id) = overlapping {
        return Err(Rejection::CarregamentoSobreposto { id });
    }
    let Some((fim, energy)) = session.ended else { return Ok(None) };
    posto.check(energy, inicio, fim)?;
    Ok(Some(Finished::new(recorded_time(fim, now), energy.energia_fornecida, preco_kwh)))
}

/// Decides how a session ends: at `now`, or at `fim` before, but not before its begin. One that has
/// ended in another way is refused, unless it was corrected: a correction may have replaced just what
/// is reported again.
pub fn decide_carregamento_finish(
    session: &Carregamento,
    energy: ReportedEnergy,
    fim: Option<Moment>,
    posto: &EnergySource,
    now: Moment,
) -> Result<Effect<Finished>, Rejection> {
    let ReportedEnergy { energia_fornecida, .. } = energy;
    if let Some(finished) = session.finished {
        let is_same = finished.energia_fornecida == energia_fornecida
            && fim.is_none_or(|fim| is_recorded_as(fim, session.inicio, finished.fim));
        return match is_same || session.corrigido_em.is_some() {
            true => Ok(Effect::Already(finished)),
            false => Err(Rejection::CarregamentoEncerrado { id: session.id }),
        };
    }
    // A clock that was set back does not keep a session from ending.
    let inicio = session.inicio;
    let latest = now.max(inicio);
    let fim = fim.unwrap_or(latest);
    if let Some(wrong) = wrong_fim_of_open(inicio, fim, now) {
        return Err(Rejection::SessionTimes(vec![wrong]));
    }
    // How long it was is unknown then, so any energy may be true.
    if inicio <= now {
        posto.check(energy, inicio, latest_fim(fim, now))?;
    }
    let fim = recorded_time(fim, latest).max(inicio);
    Ok(Effect::Now(Finished::new(fim, energia_fornecida, session.preco_kwh)))
}

/// What a reserva is, made at `made`, once it is known that its carro charged only until `until`,
/// which is no part of the session: if it began then or later, a session that seemed to go on
/// fulfilled it, and nobody has charged in it. `None` if it stays what it is.
pub fn decide_unfulfilled(
    facts: &ReservaFacts,
    made: Moment,
    until: Moment,
    now: Moment,
) -> Option<ReservaFacts> {
    let facts = facts.at(now);
    let is_charging = facts.state == ReservaState::Cumprida && facts.livre_desde.is_none();
    if !is_charging || facts.desde < until {
        return None;
    }
    let has_ended = facts.interval.fim() <= now;
    let state = if has_ended { ReservaState::Encerrada } else { ReservaState::Ativa };
    Some(ReservaFacts { state, desde: made, versao: facts.versao + 1, ..facts })
}

impl Correction {
    /// The times of a session that has ended, once they are corrected at `now`; `None` if they stay.
    pub fn new_times(&self, session: &Carregamento, now: Moment) -> Option<(Moment, Moment)> {
        let finished = session.finished?;
        let recorded = |time| recorded_time(time, now);
        let inicio = self.inicio.map_or(session.inicio, recorded);
        let fim = self.fim.map_or(finished.fim, recorded);
        ((inicio, fim) != (session.inicio, finished.fim)).then_some((inicio, fim))
    }
}

/// Decides a correction of a session that has ended: its times and its end as they are then. What
/// it costs follows from its energy, at the price that was agreed. `overlapping` is another session
/// at the corrected times.
pub fn decide_carregamento_correction(
    session: &Carregamento,
    correction: &Correction,
    posto: &EnergySource,
    overlapping: Option<i64>,
    now: Moment,
) -> Result<Effect<(Moment, Finished)>, Rejection> {
    let finished = session.finished.ok_or(Rejection::CarregamentoAberto { id: session.id })?;
    let energia_fornecida = correction.energia_fornecida.unwrap_or(finished.energia_fornecida);
    let times = correction.new_times(session, now);
    if times.is_none() && energia_fornecida == finished.energia_fornecida {
        return Ok(Effect::Already((session.inicio, finished)));
    }
    let (inicio, fim) = times.unwrap_or((session.inicio, finished.fim));
    if times.is_some() {
        check_times(inicio, Some(fim), now)?;
        if let Some(id) = overlapping {
            return Err(Rejection::CarregamentoSobreposto { id });
        }
    }
    // What was plausible stays so, whatever the power of the posto is by now.
    let is_less = energia_fornecida <= finished.energia_fornecida
        && inicio <= session.inicio
        && fim >= finished.fim;
    if !is_less {
        let energy = ReportedEnergy { energia_fornecida, confirmado: correction.confirmado };
        posto.check(energy, inicio, fim)?;
    }
    Ok(Effect::Now((inicio, Finished::new(fim, energia_fornecida, session.preco_kwh))))
}

#[cfg(test)]
mod tests;
