//! A plain model of the rules about reservas and sessions. It goes from minute to minute and knows
//! nothing of the code: not of what is written when, nor of any query.

use domain::ReservaState;

pub(crate) const POSTOS: usize = 2;
pub(crate) const PLATES: [&str; 3] = ["AAA1111", "BBB2222", "CCC3333"];
const TOLERANCE: i64 = 15;
/// How far the clock of a reporting program may be ahead or behind.
const CLOCK_TOLERANCE: i64 = 5;

#[derive(Debug, Clone)]
pub(crate) struct Reserva {
    pub(crate) posto: usize,
    pub(crate) carro: usize,
    pub(crate) inicio: i64,
    pub(crate) fim: i64,
    pub(crate) state: ReservaState,
    pub(crate) desde: i64,
    made: i64,
    pub(crate) livre_desde: Option<i64>,
    /// Since when its carro could come; `None` while it cannot, or is there.
    pub(crate) usable_since: Option<i64>,
}

impl Reserva {
    /// Until when it has held, or will hold, its posto.
    fn end(&self) -> i64 {
        match self.state {
            ReservaState::Cancelada | ReservaState::NaoCompareceu => self.desde.min(self.fim),
            _ => self.livre_desde.unwrap_or(self.fim).min(self.fim),
        }
    }

    fn is_given_up(&self) -> bool {
        matches!(self.state, ReservaState::Cancelada | ReservaState::NaoCompareceu)
    }

    /// Whether it has a moment from `from` until `to` for itself.
    fn had(&self, from: i64, to: i64) -> bool {
        self.inicio < to && from < self.end() && self.inicio < self.end()
    }

    pub(crate) fn holds(&self, minute: i64) -> bool {
        !self.is_given_up() && self.inicio <= minute && minute < self.end()
    }

    fn becomes(&mut self, state: ReservaState, desde: i64) {
        (self.state, self.desde) = (state, desde);
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) posto: usize,
    pub(crate) carro: usize,
    pub(crate) inicio: i64,
    pub(crate) fim: Option<i64>,
}

impl Session {
    /// Each has at least its first moment.
    fn overlaps(&self, inicio: i64, fim: Option<i64>) -> bool {
        let share =
            self.fim.is_none_or(|own| inicio < own) && fim.is_none_or(|fim| self.inicio < fim);
        share || self.inicio == inicio
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) reservas: Vec<Reserva>,
    pub(crate) sessions: Vec<Session>,
}

impl Model {
    pub(crate) fn charging(&self, posto: usize) -> Option<&Session> {
        self.sessions.iter().find(|session| session.posto == posto && session.fim.is_none())
    }

    /// What the passing of this minute does.
    fn settle(&mut self) {
        let minute = self.now;
        for index in 0..self.reservas.len() {
            let charging = self.charging(self.reservas[index].posto).map(|session| session.carro);
            let reserva = &mut self.reservas[index];
            if reserva.state != ReservaState::Ativa {
                continue;
            }
            let due = reserva.usable_since.map(|since| since.max(reserva.inicio) + TOLERANCE);
            if minute == reserva.inicio && charging == Some(reserva.carro) {
                reserva.becomes(ReservaState::Cumprida, minute);
            } else if due.is_some_and(|due| due == minute && due < reserva.fim) {
                reserva.becomes(ReservaState::NaoCompareceu, minute);
            } else if minute == reserva.fim {
                reserva.becomes(ReservaState::Encerrada, minute);
            }
        }
    }

    pub(crate) fn pass(&mut self, minutes: i64) {
        for _ in 0..minutes {
            self.now += 1;
            self.settle();
        }
    }

    /// A session at this posto has begun or ended.
    fn sessions_changed(&mut self, posto: usize) {
        let charging = self.charging(posto).is_some();
        for reserva in self.reservas.iter_mut().filter(|reserva| reserva.posto == posto) {
            reserva.usable_since = match charging {
                true => None,
                false => reserva.usable_since.or(Some(self.now)),
            };
        }
    }

    pub(crate) fn reserve(&mut self, posto: usize, carro: usize, from: i64, length: i64) -> bool {
        let (inicio, fim) = (self.now + from, self.now + from + length);
        let held = self.reservas.iter().filter(|reserva| reserva.posto == posto);
        if held.clone().any(|reserva| !reserva.is_given_up() && reserva.had(inicio, fim)) {
            return false;
        }
        let charging = self.charging(posto).map(|session| session.carro);
        if from == 0 && charging.is_some_and(|charging| charging != carro) {
            return false;
        }
        let usable_since = charging.is_none().then_some(self.now);
        let (state, desde, livre_desde) = (ReservaState::Ativa, self.now, None);
        let made = self.now;
        let reserva =
            Reserva { posto, carro, inicio, fim, state, desde, made, livre_desde, usable_since };
        self.reservas.push(reserva);
        self.settle();
        true
    }

    pub(crate) fn cancel(&mut self, index: usize) -> bool {
        let now = self.now;
        let reserva = &mut self.reservas[index];
        match reserva.state {
            ReservaState::Ativa => {
                reserva.becomes(ReservaState::Cancelada, now);
                true
            }
            state => state == ReservaState::Cancelada,
        }
    }

    pub(crate) fn start(&mut self, posto: usize, carro: usize) -> bool {
        if let Some(charging) = self.charging(posto) {
            return charging.carro == carro;
        }
        let elsewhere =
            self.sessions.iter().any(|session| session.carro == carro && session.fim.is_none());
        let held = self
            .reservas
            .iter()
            .position(|reserva| reserva.posto == posto && reserva.holds(self.now));
        if elsewhere || held.is_some_and(|held| self.reservas[held].carro != carro) {
            return false;
        }
        if let Some(held) = held
            && self.reservas[held].state == ReservaState::Ativa
        {
            self.reservas[held].becomes(ReservaState::Cumprida, self.now);
        }
        self.sessions.push(Session { posto, carro, inicio: self.now, fim: None });
        self.sessions_changed(posto);
        true
    }

    /// Without a `fim` the carro charges until now.
    pub(crate) fn finish(&mut self, index: usize, reported: Option<i64>) -> bool {
        let Session { posto, carro, inicio, .. } = self.sessions[index];
        let fim = reported.unwrap_or(self.now);
        if fim < inicio - CLOCK_TOLERANCE {
            return false;
        }
        let fim = fim.max(inicio);
        self.sessions[index].fim = Some(fim);
        // Nobody charged in what began when its carro had left; a session has at least its first
        // moment.
        for reserva in &mut self.reservas {
            let is_own = (reserva.posto, reserva.carro) == (posto, carro);
            let is_later = reserva.desde >= fim && reserva.desde > inicio;
            let is_fulfilled = reserva.state == ReservaState::Cumprida;
            if is_own && is_fulfilled && is_later && reported.is_some() {
                match reserva.fim <= self.now {
                    true => reserva.becomes(ReservaState::Encerrada, reserva.fim),
                    false => reserva.becomes(ReservaState::Ativa, reserva.made),
                }
            }
        }
        self.free(posto, carro);
        self.sessions_changed(posto);
        true
    }

    fn free(&mut self, posto: usize, carro: usize) {
        let now = self.now;
        for reserva in &mut self.reservas {
            let is_own = (reserva.posto, reserva.carro) == (posto, carro);
            if is_own && reserva.state == ReservaState::Cumprida && reserva.holds(now) {
                reserva.livre_desde = Some(now);
            }
        }
    }

    /// The session that was reported before, and is reported again.
    fn repeated(
        &self,
        posto: usize,
        carro: usize,
        inicio: i64,
        fim: Option<i64>,
    ) -> Option<&Session> {
        self.sessions.iter().find(|session| {
            (session.posto, session.carro, session.inicio) == (posto, carro, inicio)
                && fim.is_none_or(|fim| {
                    session
                        .fim
                        .is_some_and(|known| (known..=known + CLOCK_TOLERANCE).contains(&fim))
                })
        })
    }

    /// The numbers of the reservas of others that had a moment of a session.
    pub(crate) fn conflicts(
        &self,
        posto: usize,
        carro: usize,
        inicio: i64,
        fim: Option<i64>,
    ) -> Vec<i64> {
        let repeated = self.repeated(posto, carro, inicio, fim);
        let fim = repeated.map_or(fim.map(|fim| fim.min(self.now)), |session| session.fim);
        let until = fim.unwrap_or(self.now + 1);
        let others = (1..).zip(&self.reservas).filter(|(_, reserva)| {
            let shared =
                reserva.had(inicio, until) || reserva.inicio <= inicio && inicio < reserva.end();
            reserva.posto == posto && reserva.carro != carro && shared
        });
        others.map(|(number, _)| number).collect()
    }

    pub(crate) fn report(
        &mut self,
        posto: usize,
        carro: usize,
        inicio: i64,
        fim: Option<i64>,
    ) -> bool {
        if fim.is_some_and(|fim| fim > self.now + CLOCK_TOLERANCE) {
            return false;
        }
        if self.repeated(posto, carro, inicio, fim).is_some() {
            return true;
        }
        let fim = fim.map(|fim| fim.min(self.now));
        let open = self.sessions.iter().position(|session| {
            (session.posto, session.carro, session.inicio) == (posto, carro, inicio)
                && session.fim.is_none()
        });
        if let Some(open) = open {
            return self.finish(open, fim);
        }
        let near = |session: &&Session| session.posto == posto || session.carro == carro;
        if self.sessions.iter().filter(near).any(|session| session.overlaps(inicio, fim)) {
            return false;
        }
        let held_by_another = self.reservas.iter().any(|reserva| {
            reserva.posto == posto
                && reserva.carro != carro
                && reserva.had(inicio, inicio + 1)
                && reserva.inicio <= inicio
        });
        let now = self.now;
        // In the time of another it is nobody's session, until a reserva of its carro begins.
        let may_count = |reserva: &&mut Reserva| !held_by_another || reserva.inicio > inicio;
        for reserva in self.reservas.iter_mut().filter(may_count) {
            let is_own = (reserva.posto, reserva.carro) == (posto, carro);
            // It had the first moment of the session, or the session one of its moments.
            let until = fim.unwrap_or(now + 1).max(inicio);
            let shared =
                reserva.had(inicio, until) || (reserva.inicio <= inicio && inicio < reserva.end());
            let is_open = matches!(reserva.state, ReservaState::Ativa | ReservaState::Encerrada);
            if is_own && shared && is_open {
                reserva.becomes(ReservaState::Cumprida, inicio.max(reserva.inicio));
                let is_there = self.sessions.iter().any(|session| {
                    (session.posto, session.carro, session.fim) == (posto, carro, None)
                });
                if fim.is_some() && !is_there && reserva.holds(now) {
                    reserva.livre_desde = Some(now);
                }
            }
        }
        self.sessions.push(Session { posto, carro, inicio, fim });
        self.sessions_changed(posto);
        for reserva in &mut self.reservas {
            let is_of_another = reserva.posto == posto && reserva.carro != carro;
            if let (true, Some(since), Some(fim)) = (is_of_another, reserva.usable_since, fim) {
                reserva.usable_since = Some(since.max(fim));
            }
        }
        self.settle();
        true
    }
}
