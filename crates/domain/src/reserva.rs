//! Whether a carro may have a posto for an interval.

use crate::{
    Carro, Interval, Moment, Placa, Price, Rejection, RequestedInterval, ReservaFacts,
    ReservaState, Rules, Service,
};

/// Asks for a posto.
#[derive(Debug, Clone, PartialEq)]
pub struct ReservaCommand {
    pub carro: Carro,
    pub posto_id: i64,
    pub interval: RequestedInterval,
}

/// What must be known of a posto to decide about it.
#[derive(Debug, Clone, PartialEq)]
pub struct PostoFacts {
    pub nome: String,
    /// In service if both its operator and its charger say so, in maintenance if one of them does.
    pub service: Service,
    /// The carro charging there now, with or without a reserva.
    pub charging: Option<Placa>,
    /// In kW.
    pub potencia_maxima: f64,
    /// The price now.
    pub preco_kwh: Price,
}

impl PostoFacts {
    /// Whether this carro could charge there now; none if it was forgotten.
    pub fn is_usable_by(&self, placa: Option<&Placa>) -> bool {
        let is_free = self.charging.as_ref().is_none_or(|charging| Some(charging) == placa);
        self.service == Service::InService && is_free
    }

    /// Refuses what would begin while the posto is out of service.
    // Inline: a call costs an eighth of the instructions of a decision (benches/instructions).
    #[inline(always)]
    pub(crate) fn check_service(&self) -> Result<(), Rejection> {
        let nome = || self.nome.clone();
        match self.service {
            Service::InService => Ok(()),
            Service::Maintenance => Err(Rejection::PostoEmManutencao { nome: nome() }),
            Service::OutOfService => Err(Rejection::PostoIndisponivel { nome: nome() }),
        }
    }

    /// Refuses a carro an interval in which others hold the posto, or it does.
    // Inline: a call costs an eighth of the instructions of a decision (benches/instructions).
    #[inline(always)]
    pub(crate) fn check_free<'a>(
        &self,
        placa: &Placa,
        interval: Interval,
        holdings: impl IntoIterator<Item = &'a Holding>,
        now: Moment,
    ) -> Result<(), Rejection> {
        let nome = || self.nome.clone();
        let mut held_by_another = false;
        for holding in holdings.into_iter().filter(|holding| holding.interval.overlaps(interval)) {
            if holding.placa.as_ref() == Some(placa) {
                return Err(Rejection::PostoJaReservadoParaEsteCarro { nome: nome() });
            }
            held_by_another = true;
        }
        if held_by_another {
            return Err(Rejection::PostoReservado { nome: nome() });
        }
        // When a session will end is unknown, so it refuses only what is to hold the posto now.
        let is_another = |charging: &Placa| charging != placa;
        if self.charging.as_ref().is_some_and(is_another) && interval.contains(now) {
            return Err(Rejection::PostoOcupado { nome: nome() });
        }
        Ok(())
    }
}

/// When a reserva holds its posto, as a fact for the next decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// `None` if its carro was forgotten.
    pub placa: Option<Placa>,
    pub interval: Interval,
}

/// One carro holding one posto for an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserva {
    pub id: i64,
    /// The request that made it.
    pub request_id: String,
    pub posto_id: i64,
    pub placa: Placa,
    pub facts: ReservaFacts,
}

impl Reserva {
    /// The reserva as it is at `now`.
    pub fn at(self, now: Moment) -> Self {
        Self { facts: self.facts.at(now), ..self }
    }
}

/// Decides a reservation at `now`: its interval, and the posto that it gets. `holdings`: the reservas
/// that hold this posto during the interval, others possibly among them. `carro_reservas`: how many
/// reservas the carro has on this servidor.
pub fn decide_reserva<'a, 'p>(
    command: &ReservaCommand,
    server_id: &str,
    posto: Option<&'p PostoFacts>,
    holdings: impl IntoIterator<Item = &'a Holding>,
    carro_reservas: u32,
    rules: &Rules,
    now: Moment,
) -> Result<(Interval, &'p PostoFacts), Rejection> {
    let posto = existing(posto, command.posto_id, server_id)?;
    let interval = command.interval.resolve(rules, now).map_err(Rejection::Interval)?;
    posto.check_service()?;
    posto.check_free(&command.carro.placa, interval, holdings, now)?;
    if rules.por_carro > 0 && carro_reservas >= rules.por_carro {
        return Err(Rejection::LimiteDeReservas { limite: rules.por_carro });
    }
    Ok((interval, posto))
}

/// The posto that is asked for, and whether [`decide_reserva`] would give it now, but for the limit
/// of a carro: that is not about the posto.
///
/// # Errors
/// No posto could be reserved like this: there is none, or the interval is wrong.
pub fn decide_estimativa<'a, 'p>(
    command: &ReservaCommand,
    server_id: &str,
    posto: Option<&'p PostoFacts>,
    holdings: impl IntoIterator<Item = &'a Holding>,
    rules: &Rules,
    now: Moment,
) -> Result<(bool, &'p PostoFacts), Rejection> {
    let without_limit = Rules { por_carro: 0, ..*rules };
    let posto = existing(posto, command.posto_id, server_id)?;
    match decide_reserva(command, server_id, Some(posto), holdings, 0, &without_limit, now) {
        Ok(_) => Ok((true, posto)),
        Err(wrong @ Rejection::Interval(_)) => Err(wrong),
        Err(_) => Ok((false, posto)),
    }
}

/// The posto that a request names.
pub(crate) fn existing<'p>(
    posto: Option<&'p PostoFacts>,
    posto_id: i64,
    server_id: &str,
) -> Result<&'p PostoFacts, Rejection> {
    posto.ok_or_else(|| Rejection::PostoInexistente { posto_id, server_id: server_id.to_owned() })
}

/// What a request that is not refused has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect<T = ()> {
    Now(T),
    /// It was done before: the same as doing it once.
    Already(T),
}

/// Decides a cancellation at `now`. A reserva that has ended is not cancelled, nor is one whose carro
/// has charged.
pub fn decide_cancelamento(facts: &ReservaFacts, now: Moment) -> Result<Effect, Rejection> {
    match facts.at(now).state {
        ReservaState::Ativa => Ok(Effect::Now(())),
        ReservaState::Cancelada => Ok(Effect::Already(())),
        ReservaState::Cumprida => Err(Rejection::ReservaEmUso),
        ReservaState::Encerrada | ReservaState::NaoCompareceu => Err(Rejection::ReservaEncerrada),
    }
}

#[cfg(test)]
mod tests;
