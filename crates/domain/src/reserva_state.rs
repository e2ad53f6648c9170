//! What becomes of a reserva as time passes.

use std::time::Duration;

use crate::{Interval, Moment, Price, words};

words! {
    /// The state of a reserva.
    pub enum ReservaState {
        /// It holds its posto during its interval.
        Ativa = "ativa",
        /// Its carro has charged there within its interval, or still does.
        Cumprida = "cumprida",
        /// Its end has passed without a session.
        Encerrada = "encerrada",
        /// Its carro did not come in time.
        NaoCompareceu = "nao_compareceu",
        Cancelada = "cancelada",
    }
}

words! {
    /// Why a reserva was cancelled, or is one whose carro did not come.
    pub enum Motivo {
        /// Its client asked for it.
        Pedido = "pedido",
        Operador = "operador",
        Manutencao = "manutencao",
        PostoRemovido = "posto_removido",
        Ausencia = "ausencia",
    }
}

words! {
    /// What the client of an active reserva is warned of.
    pub enum Aviso {
        /// It has begun, and another carro still charges there.
        PostoOcupado = "posto_ocupado",
        /// That carro has left.
        PostoLivre = "posto_livre",
    }
}

/// Everything about a reserva but whose it is, which may have been forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReservaFacts {
    /// As it was agreed.
    pub interval: Interval,
    pub state: ReservaState,
    /// When this state began.
    pub desde: Moment,
    pub motivo: Option<Motivo>,
    /// When its carro left. Since then the reserva holds nothing, even if the clock is set back.
    /// Archived reservas always have it, at the latest `fim`. Answers show [`Self::free_early`].
    pub livre_desde: Option<Moment>,
    /// Since when it has its posto, if it was given another one.
    pub posto_desde: Option<Moment>,
    /// Its carro already charges there before `inicio`: at `inicio` the reserva becomes `cumprida`.
    pub in_session: bool,
    /// How late its carro may come, as it was agreed; zero if its posto waits until the end.
    pub tolerancia: Duration,
    /// When the tolerance ends; `None` while it does not run.
    pub falta_em: Option<Moment>,
    /// The agreed price.
    pub preco_kwh: Price,
    /// From 1, one more with each change that is published to its client.
    pub versao: i64,
    pub aviso: Option<Aviso>,
}

impl ReservaFacts {
    /// A reserva that is made at `now`.
    pub fn new(
        interval: Interval,
        preco_kwh: Price,
        tolerancia: Duration,
        falta_em: Option<Moment>,
        now: Moment,
    ) -> Self {
        Self {
            interval,
            state: ReservaState::Ativa,
            desde: now,
            motivo: None,
            livre_desde: None,
            posto_desde: None,
            in_session: false,
            tolerancia,
            falta_em,
            preco_kwh,
            versao: 1,
            aviso: None,
        }
    }

    /// Recorded facts as they are at `now`: an end and an absence count whether or not they have
    /// been recorded. What is returned is what recording them writes.
    pub fn at(self, now: Moment) -> Self {
        let (inicio, fim) = (self.interval.inicio(), self.interval.fim());
        match (self.state, self.falta_em) {
            (ReservaState::Ativa | ReservaState::Encerrada, _)
                if self.in_session && inicio <= now =>
            {
                self.fulfilled(inicio)
            }
            (ReservaState::Ativa | ReservaState::Encerrada, Some(due))
                if due <= now && due < fim =>
            {
                self.with_state(ReservaState::NaoCompareceu, Some(Motivo::Ausencia), due)
            }
            // A recorded end is ignored: the clock that caused it may have been wrong. That of one that
            // was archived is final.
            (ReservaState::Encerrada, _) if now < fim && self.livre_desde.is_none() => {
                Self { state: ReservaState::Ativa, ..self }
            }
            (ReservaState::Encerrada, _) => Self { desde: fim, ..self },
            (ReservaState::Ativa, _) if fim <= now => {
                self.with_state(ReservaState::Encerrada, None, fim)
            }
            // All others are final.
            _ => self,
        }
    }

    /// The reserva in another state since `desde`; clears what only a waiting reserva has.
    pub fn with_state(self, state: ReservaState, motivo: Option<Motivo>, desde: Moment) -> Self {
        Self {
            state,
            desde,
            motivo,
            in_session: false,
            falta_em: None,
            versao: self.versao + 1,
            aviso: None,
            ..self
        }
    }

    /// The same, fulfilled by a session that began at `begin`.
    pub fn fulfilled(self, begin: Moment) -> Self {
        self.with_state(ReservaState::Cumprida, None, begin.max(self.interval.inicio()))
    }

    /// Whether a session of its carro at its posto fulfils it, at `now`. One that has ended without
    /// a session may have had one that nobody had reported; others are final.
    pub fn is_open_to_session(self, now: Moment) -> bool {
        matches!(self.at(now).state, ReservaState::Ativa | ReservaState::Encerrada)
    }

    /// The same, given another posto at `now`. Of the posto that it had nothing stays: no warning, no
    /// session, and no time in which its carro is expected.
    pub fn moved(self, now: Moment) -> Self {
        let versao = self.versao + 1;
        let posto_desde = Some(now);
        Self { posto_desde, in_session: false, falta_em: None, aviso: None, versao, ..self }
    }

    /// The same, where its begin or its posto has changed to one where its carro charges already: it
    /// is fulfilled, if it has begun. Both are one change.
    pub fn fulfilled_on_change(self, now: Moment) -> Self {
        if !self.interval.contains(now) {
            return self;
        }
        let state = ReservaState::Cumprida;
        Self { state, desde: now, in_session: false, falta_em: None, aviso: None, ..self }
    }

    /// The same, once its carro has left at `now`.
    pub fn freed(self, now: Moment) -> Self {
        Self { livre_desde: self.livre_desde.or(Some(now)), ..self }
    }

    /// When its posto came free earlier than was agreed.
    pub fn free_early(&self) -> Option<Moment> {
        self.livre_desde.filter(|free| *free < self.interval.fim())
    }

    /// When it holds its posto, as recorded; `None` if it holds nothing.
    pub fn held(&self) -> Option<Interval> {
        let is_given_up =
            matches!(self.state, ReservaState::Cancelada | ReservaState::NaoCompareceu);
        let (inicio, fim) = (self.interval.inicio(), self.interval.fim());
        let from = self.posto_desde.map_or(inicio, |since| since.max(inicio));
        let held = Interval::new(from, fim).ok();
        held.filter(|_| !is_given_up && self.livre_desde.is_none())
    }

    /// When it held or will hold its posto, whatever has become of it; `None` if it never does. Nothing is
    /// known here of a posto that it had before.
    pub fn held_once(&self) -> Option<Interval> {
        let (inicio, fim) = (self.interval.inicio(), self.interval.fim());
        let from = self.posto_desde.map_or(inicio, |since| since.max(inicio));
        let until = match self.state {
            ReservaState::Cancelada | ReservaState::NaoCompareceu => self.desde.min(fim),
            _ => self.livre_desde.map_or(fim, |free| free.min(fim)),
        };
        Interval::new(from, until).ok()
    }

    /// The end of [`Self::held`].
    pub fn held_until(&self) -> Option<Moment> {
        self.held().map(Interval::fim)
    }

    /// Whether it holds its posto neither at `now` nor later, and never will again.
    pub fn is_over(self, now: Moment) -> bool {
        let facts = self.at(now);
        match facts.state {
            ReservaState::Ativa => false,
            ReservaState::Cumprida => facts.livre_desde.is_some() || facts.interval.fim() <= now,
            _ => true,
        }
    }

    /// Whether it holds its posto at `now`.
    pub fn holds_at(self, now: Moment) -> bool {
        self.at(now).held().is_some_and(|held| held.contains(now))
    }
}

/// What becomes of a reserva of the carro whose session at its posto ends at `now`; `None` if nothing
/// does.
///
/// What is left of it is free, whatever the clock says: nobody else would free it if the clock was set
/// back to before its begin or its end.
pub fn decide_session_end(facts: &ReservaFacts, now: Moment) -> Option<ReservaFacts> {
    let facts = facts.at(now);
    if facts.state != ReservaState::Cumprida || facts.livre_desde.is_some() {
        return None;
    }
    // Where nothing was left to come free, nothing is published.
    let versao = facts.versao + i64::from(now < facts.interval.fim());
    Some(ReservaFacts { versao, ..facts.freed(now) })
}

#[cfg(test)]
mod tests;
