//! What becomes of a reserva as time passes.

use crate::{Interval, InvalidValue, Moment, Price};

/// Declares an enum whose variants have words, the same on the wire and on disk.
macro_rules! words {
    (
        $(#[$doc:meta])* $name:ident, $sentence:literal,
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it, on the wire and on disk.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What `word` stands for.
            pub fn parse(word: &str) -> Result<Self, InvalidValue> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(InvalidValue::new($sentence)),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The state of a reserva.
    ReservaState, "deve ser ativa, cumprida, encerrada, nao_compareceu ou cancelada",
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

words! {
    /// Why a reserva was cancelled, or is one whose carro did not come.
    Motivo, "deve ser pedido, operador, manutencao, posto_removido ou ausencia",
    /// Its client asked for it.
    Pedido = "pedido",
    Operador = "operador",
    Manutencao = "manutencao",
    PostoRemovido = "posto_removido",
    Ausencia = "ausencia",
}

words! {
    /// What the client of an active reserva is warned of.
    Aviso, "deve ser posto_ocupado ou posto_livre",
    /// It has begun, and another carro still charges there.
    PostoOcupado = "posto_ocupado",
    /// That carro has left.
    PostoLivre = "posto_livre",
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
    /// When its posto came free earlier than at the end of the interval.
    pub livre_desde: Option<Moment>,
    /// Its carro charges there already, before its begin: it is fulfilled then.
    pub in_session: bool,
    /// When the absence of its carro is due, if before the end; `None` while that time does not run.
    pub falta_em: Option<Moment>,
    /// The agreed price.
    pub preco_kwh: Price,
    /// From 1, one more with each change that its client is told of.
    pub versao: i64,
    pub aviso: Option<Aviso>,
}

impl ReservaFacts {
    /// A reserva that is made at `now`.
    pub fn new(
        interval: Interval,
        preco_kwh: Price,
        falta_em: Option<Moment>,
        now: Moment,
    ) -> Self {
        Self {
            interval,
            state: ReservaState::Ativa,
            desde: now,
            motivo: None,
            livre_desde: None,
            in_session: false,
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
                self.ended(ReservaState::NaoCompareceu, Some(Motivo::Ausencia), due)
            }
            // A recorded end is ignored: the clock that caused it may have been wrong.
            (ReservaState::Encerrada, _) if now < fim => {
                Self { state: ReservaState::Ativa, ..self }
            }
            (ReservaState::Encerrada, _) => Self { desde: fim, ..self },
            (ReservaState::Ativa, _) if fim <= now => {
                self.ended(ReservaState::Encerrada, None, fim)
            }
            // All others are final.
            _ => self,
        }
    }

    /// The same, in a final state since `desde`.
    pub fn ended(self, state: ReservaState, motivo: Option<Motivo>, desde: Moment) -> Self {
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
        self.ended(ReservaState::Cumprida, None, begin.max(self.interval.inicio()))
    }

    /// Whether a session of its carro at its posto fulfils it, at `now`. One that has ended without
    /// a session may have had one that nobody had reported; others are final.
    pub fn is_open_to_session(self, now: Moment) -> bool {
        matches!(self.at(now).state, ReservaState::Ativa | ReservaState::Encerrada)
    }

    /// The same, once its carro has left at `now`: the rest of the interval is free. What has ended
    /// by then stays as it is.
    pub fn freed(self, now: Moment) -> Self {
        if now >= self.interval.fim() || self.livre_desde.is_some() {
            return self;
        }
        Self { livre_desde: Some(now), ..self }
    }

    /// When it stops holding its posto, as recorded; `None` if it holds nothing.
    pub fn held_until(&self) -> Option<Moment> {
        let fim = self.interval.fim();
        match self.state {
            ReservaState::Cancelada | ReservaState::NaoCompareceu => None,
            _ => Some(self.livre_desde.map_or(fim, |free| free.min(fim)))
                .filter(|until| *until > self.interval.inicio()),
        }
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
        let until = self.at(now).held_until();
        self.interval.inicio() <= now && until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Moment {
        Moment::from_millis(millis)
    }

    fn facts(state: ReservaState) -> ReservaFacts {
        let interval = Interval::new(at(100), at(200)).expect("not empty");
        let price = Price::new(2.5).expect("a price");
        ReservaFacts { state, ..ReservaFacts::new(interval, price, None, at(50)) }
    }

    #[test]
    fn every_word_is_read() {
        for state in ReservaState::ALL {
            assert_eq!(ReservaState::parse(state.as_str()), Ok(*state));
        }
        for motivo in Motivo::ALL {
            assert_eq!(Motivo::parse(motivo.as_str()), Ok(*motivo));
        }
        for aviso in Aviso::ALL {
            assert_eq!(Aviso::parse(aviso.as_str()), Ok(*aviso));
        }
        assert!(ReservaState::parse("nova").is_err());
    }

    #[test]
    fn an_end_counts_by_the_clock_alone() {
        for recorded in [ReservaState::Ativa, ReservaState::Encerrada] {
            let before = facts(recorded).at(at(199));
            assert_eq!((before.state, before.desde), (ReservaState::Ativa, at(50)));
            assert!(facts(recorded).holds_at(at(199)));
            let after = facts(recorded).at(at(200));
            assert_eq!((after.state, after.desde), (ReservaState::Encerrada, at(200)));
            assert!(!facts(recorded).holds_at(at(200)));
        }
        assert_eq!(facts(ReservaState::Ativa).at(at(200)).versao, 2, "its client is told");
        assert_eq!(facts(ReservaState::Encerrada).at(at(200)).versao, 1, "it was told");
    }

    #[test]
    fn an_absence_counts_from_its_instant() {
        for recorded in [ReservaState::Ativa, ReservaState::Encerrada] {
            let waits = ReservaFacts { falta_em: Some(at(115)), ..facts(recorded) };
            assert!(waits.holds_at(at(114)));
            assert!(!waits.holds_at(at(115)));
            for now in [115, 300] {
                let absent = waits.at(at(now));
                assert_eq!(absent.state, ReservaState::NaoCompareceu);
                assert_eq!((absent.desde, absent.motivo), (at(115), Some(Motivo::Ausencia)));
                assert_eq!((absent.versao, absent.at(at(0))), (2, absent), "it is final");
            }
        }
    }

    #[test]
    fn a_session_that_is_open_at_its_begin_fulfils_it() {
        for recorded in [ReservaState::Ativa, ReservaState::Encerrada] {
            let warned = Some(Aviso::PostoLivre);
            let facts = ReservaFacts { in_session: true, aviso: warned, ..facts(recorded) };
            assert_eq!(facts.at(at(99)).state, ReservaState::Ativa);
            assert_eq!(facts.at(at(99)).aviso, warned);
            for now in [100, 199, 200, 300] {
                let fulfilled = facts.at(at(now));
                assert_eq!(fulfilled.state, ReservaState::Cumprida);
                assert_eq!((fulfilled.desde, fulfilled.versao), (at(100), 2));
                assert_eq!((fulfilled.aviso, fulfilled.at(at(0))), (None, fulfilled), "final");
                assert_eq!(facts.holds_at(at(now)), now < 200);
            }
        }
    }

    #[test]
    fn the_end_of_a_session_frees_what_is_left() {
        let fulfilled = facts(ReservaState::Ativa).fulfilled(at(120));
        assert_eq!((fulfilled.desde, fulfilled.state), (at(120), ReservaState::Cumprida));
        assert_eq!(facts(ReservaState::Ativa).fulfilled(at(20)).desde, at(100));
        let freed = fulfilled.freed(at(150));
        assert_eq!((freed.livre_desde, freed.held_until()), (Some(at(150)), Some(at(150))));
        assert_eq!(freed.freed(at(160)), freed, "it was free before");
        assert_eq!(fulfilled.freed(at(200)), fulfilled, "nothing was left");
        for (state, is_open) in [
            (ReservaState::Ativa, true),
            (ReservaState::Encerrada, true),
            (ReservaState::Cumprida, false),
            (ReservaState::NaoCompareceu, false),
            (ReservaState::Cancelada, false),
        ] {
            assert_eq!(facts(state).is_open_to_session(at(300)), is_open, "{state:?}");
        }
    }

    #[test]
    fn final_states_stay_and_hold_what_they_hold() {
        for (state, livre_desde, held) in [
            (ReservaState::Cancelada, None, None),
            (ReservaState::NaoCompareceu, None, None),
            (ReservaState::Cumprida, None, Some(at(200))),
            (ReservaState::Cumprida, Some(at(150)), Some(at(150))),
            (ReservaState::Cumprida, Some(at(250)), Some(at(200))),
            (ReservaState::Cumprida, Some(at(100)), None),
        ] {
            let facts = ReservaFacts { livre_desde, ..facts(state) };
            for now in [0, 100, 149, 150, 199, 200, 300] {
                assert_eq!(facts.at(at(now)), facts, "{state:?}");
                let holds = held.is_some_and(|until| 100 <= now && at(now) < until);
                assert_eq!(facts.holds_at(at(now)), holds, "{state:?} {livre_desde:?} {now}");
            }
            assert_eq!(facts.held_until(), held);
        }
    }
}
