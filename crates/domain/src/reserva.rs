//! Whether a carro may have a posto for an interval.

use crate::{Carro, Interval, InvalidValue, Moment, Placa, Rejection, RequestedInterval};

/// Asks for a posto.
#[derive(Debug, Clone, PartialEq)]
pub struct ReservaCommand {
    pub carro: Carro,
    pub posto_id: i64,
    pub interval: RequestedInterval,
}

/// What must be known of a posto to decide about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostoFacts {
    pub nome: String,
    /// Whether both its operator and its charger say so.
    pub in_service: bool,
    /// Whether one of them says so.
    pub em_manutencao: bool,
    /// The carro charging there now, with or without a reserva.
    pub charging: Option<Placa>,
}

impl PostoFacts {
    /// Refuses what would begin while the posto is out of service.
    // A call would add an eighth to the instructions of a decision.
    #[inline(always)]
    pub(crate) fn check_service(&self) -> Result<(), Rejection> {
        let nome = || self.nome.clone();
        match (self.em_manutencao, self.in_service) {
            (true, _) => Err(Rejection::PostoEmManutencao { nome: nome() }),
            (false, false) => Err(Rejection::PostoIndisponivel { nome: nome() }),
            (false, true) => Ok(()),
        }
    }
}

/// One active reserva of a posto, as a fact for the next decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// `None` if its carro was forgotten.
    pub placa: Option<Placa>,
    pub interval: Interval,
}

/// The state of a reserva.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReservaState {
    /// It holds its posto during its interval.
    Ativa,
    Cancelada,
    /// Its end has passed.
    Encerrada,
}

impl ReservaState {
    pub const ALL: [Self; 3] = [Self::Ativa, Self::Cancelada, Self::Encerrada];

    /// The word for it, on the wire and on disk.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ativa => "ativa",
            Self::Cancelada => "cancelada",
            Self::Encerrada => "encerrada",
        }
    }

    /// The state that `word` stands for.
    pub fn parse(word: &str) -> Result<Self, InvalidValue> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or(InvalidValue::new("deve ser ativa, cancelada ou encerrada"))
    }

    /// The state at `now` of a reserva with this recorded state: the end frees the posto whether or
    /// not the end has been recorded.
    pub fn at(self, interval: Interval, now: Moment) -> Self {
        match self {
            Self::Cancelada => Self::Cancelada,
            // A recorded end is ignored: the clock that caused it may have been wrong.
            _ if interval.fim() <= now => Self::Encerrada,
            _ => Self::Ativa,
        }
    }
}

/// One carro holding one posto for an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserva {
    pub id: i64,
    /// The request that made it.
    pub request_id: String,
    pub posto_id: i64,
    pub placa: Placa,
    pub interval: Interval,
    /// The recorded state; see [`Reserva::state_at`].
    pub state: ReservaState,
}

impl Reserva {
    /// Its state at `now`.
    pub fn state_at(&self, now: Moment) -> ReservaState {
        self.state.at(self.interval, now)
    }
}

/// Decides a reservation at `now`. `holdings` are the active reservas of that posto, at least
/// those that overlap what is asked for.
pub fn decide_reserva<'a>(
    command: &ReservaCommand,
    server_id: &str,
    posto: Option<&PostoFacts>,
    holdings: impl IntoIterator<Item = &'a Holding>,
    now: Moment,
) -> Result<Interval, Rejection> {
    let interval = command.interval.resolve(now).map_err(Rejection::Interval)?;
    let posto = posto.ok_or_else(|| Rejection::PostoInexistente {
        posto_id: command.posto_id,
        server_id: server_id.to_owned(),
    })?;
    let nome = || posto.nome.clone();
    posto.check_service()?;
    let placa = &command.carro.placa;
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
    match &posto.charging {
        // When a session will end is unknown, so it refuses only what begins now.
        Some(charging) if charging != placa && interval.contains(now) => {
            Err(Rejection::PostoOcupado { nome: nome() })
        }
        _ => Ok(interval),
    }
}

/// What a request that is not refused has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect<T = ()> {
    Now(T),
    /// It was done before: the same as doing it once.
    Already(T),
}

/// Decides a cancellation at `now`. A reserva that has ended is not cancelled.
pub fn decide_cancelamento(reserva: &Reserva, now: Moment) -> Result<Effect, Rejection> {
    match reserva.state_at(now) {
        ReservaState::Ativa => Ok(Effect::Now(())),
        ReservaState::Cancelada => Ok(Effect::Already(())),
        ReservaState::Encerrada => Err(Rejection::ReservaEncerrada),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{CapacidadeBateria, KwhPerKm, Modelo, NivelBateria};

    const NOW: Moment = Moment::from_millis(1_000_000);

    fn placa(text: &str) -> Placa {
        Placa::new(text).expect("a placa")
    }

    fn command(plate: &str, inicio: i64, fim: i64) -> ReservaCommand {
        ReservaCommand {
            carro: Carro {
                placa: placa(plate),
                modelo: Modelo::new("BYD Dolphin").expect("a model"),
                capacidade_bateria: CapacidadeBateria::new(44.5).expect("a capacity"),
                nivel_bateria_atual: NivelBateria::new(22.3).expect("a level"),
                taxa_descarga: KwhPerKm::new(0.19).expect("consumption"),
            },
            posto_id: 5,
            interval: RequestedInterval {
                inicio: Some(NOW.plus_millis(inicio)),
                fim: Some(NOW.plus_millis(fim)),
            },
        }
    }

    fn posto() -> PostoFacts {
        PostoFacts {
            nome: "Ponto 5".to_owned(),
            in_service: true,
            em_manutencao: false,
            charging: None,
        }
    }

    fn holding(plate: &str, inicio: i64, fim: i64) -> Holding {
        let interval = Interval::new(NOW.plus_millis(inicio), NOW.plus_millis(fim));
        Holding { placa: Some(placa(plate)), interval: interval.expect("not empty") }
    }

    fn decide(
        asked: &ReservaCommand,
        posto: Option<&PostoFacts>,
        held: &[Holding],
    ) -> Result<Interval, Rejection> {
        decide_reserva(asked, "server1", posto, held, NOW)
    }

    #[test]
    fn every_state_is_read_from_its_word() {
        for state in ReservaState::ALL {
            assert_eq!(ReservaState::parse(state.as_str()), Ok(state));
        }
        assert!(ReservaState::parse("nova").is_err());
    }

    #[test]
    fn a_free_posto_is_given() {
        let interval = decide(&command("ABC1234", 0, 100), Some(&posto()), &[]).expect("free");
        assert_eq!(interval.inicio(), NOW);
    }

    #[test]
    fn refusals_name_the_posto_and_the_reason() {
        let nome = || "Ponto 5".to_owned();
        let asked = command("ABC1234", 0, 100);
        let service = PostoFacts { in_service: false, ..posto() };
        let repair = PostoFacts { em_manutencao: true, in_service: false, ..posto() };
        let charging = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
        let mine = [holding("XYZ9876", 90, 100), holding("ABC1234", 0, 10)];
        let other = [holding("XYZ9876", 99, 200)];
        // The same plate in its Mercosul form is another placa.
        let other_form = [holding("ABC1C34", 0, 10)];
        for (facts, held, expected) in [
            (
                None,
                &[][..],
                Rejection::PostoInexistente { posto_id: 5, server_id: "server1".into() },
            ),
            (Some(&service), &[], Rejection::PostoIndisponivel { nome: nome() }),
            (Some(&repair), &[], Rejection::PostoEmManutencao { nome: nome() }),
            (Some(&posto()), &mine, Rejection::PostoJaReservadoParaEsteCarro { nome: nome() }),
            (Some(&posto()), &other, Rejection::PostoReservado { nome: nome() }),
            (Some(&posto()), &other_form, Rejection::PostoReservado { nome: nome() }),
            (Some(&charging), &[], Rejection::PostoOcupado { nome: nome() }),
        ] {
            assert_eq!(decide(&asked, facts, held), Err(expected));
        }
    }

    #[test]
    fn intervals_that_touch_do_not_overlap() {
        let held = [holding("XYZ9876", 0, 100), holding("XYZ9876", 200, 300)];
        assert!(decide(&command("ABC1234", 100, 200), Some(&posto()), &held).is_ok());
        assert!(decide(&command("ABC1234", 99, 200), Some(&posto()), &held).is_err());
        assert!(decide(&command("ABC1234", 100, 201), Some(&posto()), &held).is_err());
    }

    #[test]
    fn a_charging_carro_blocks_neither_itself_nor_later_intervals() {
        let charging = PostoFacts { charging: Some(placa("XYZ9876")), ..posto() };
        assert!(decide(&command("XYZ9876", 0, 100), Some(&charging), &[]).is_ok());
        assert!(decide(&command("ABC1234", 1, 100), Some(&charging), &[]).is_ok());
    }

    #[test]
    fn cancelling_twice_is_once_and_what_has_ended_is_not_cancelled() {
        let reserva = |state| Reserva {
            id: 1,
            request_id: "r".to_owned(),
            posto_id: 5,
            placa: placa("ABC1234"),
            interval: holding("ABC1234", 0, 100).interval,
            state,
        };
        let end = NOW.plus_millis(100);
        let active = reserva(ReservaState::Ativa);
        assert_eq!(decide_cancelamento(&active, NOW), Ok(Effect::Now(())));
        assert_eq!(decide_cancelamento(&active, end), Err(Rejection::ReservaEncerrada));
        let cancelled = reserva(ReservaState::Cancelada);
        assert_eq!(decide_cancelamento(&cancelled, NOW), Ok(Effect::Already(())));
        assert_eq!(decide_cancelamento(&cancelled, end), Ok(Effect::Already(())));
    }

    proptest! {
        #[test]
        fn no_sequence_of_reservations_holds_a_moment_twice(
            asks in proptest::collection::vec((0usize..4, 0i64..60, 1i64..30), 1..40)
        ) {
            let plates = ["AAA1111", "BBB2222", "CCC3333", "DDD4444"];
            let mut held: Vec<Holding> = Vec::new();
            for (plate, inicio, length) in asks {
                let asked = command(plates[plate], inicio, inicio + length);
                if let Ok(interval) = decide(&asked, Some(&posto()), &held) {
                    held.push(Holding { placa: Some(asked.carro.placa), interval });
                }
            }
            for moment in 0..100 {
                let holders = held.iter().filter(|h| h.interval.contains(NOW.plus_millis(moment)));
                prop_assert!(holders.count() <= 1);
            }
        }
    }
}
