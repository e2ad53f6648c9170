//! Random sequences of reservations, sessions and time, against a plain model of the rules.
//!
//! The model goes from minute to minute and knows nothing of the code: not of what is written when,
//! nor of any query.

use std::collections::BTreeMap;

use domain::{Moment, ReportedSession, ReservaState, Rules};
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use server::store::{FinishCarregamento, ReportCarregamento, StartCarregamento};

use crate::store_lives::{MINUTE, patient};
use crate::store_sessions::at;
use crate::support::{START, TestStore, energy, now, placa, set_now};

const POSTOS: usize = 2;
const PLATES: [&str; 3] = ["AAA1111", "BBB2222", "CCC3333"];
const TOLERANCE: i64 = 15;

/// Postos and carros are indexes, times minutes.
#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(i64),
    Sweep,
    /// From so many minutes later on, for so long.
    Reserve(usize, usize, i64, i64),
    /// The reserva of this number, if there is one.
    Cancel(usize),
    Start(usize, usize),
    /// The session that is open there ends: now, or so many minutes ago.
    Finish(usize, Option<i64>),
    /// It began so many minutes ago, and lasted so long or goes on.
    Report(usize, usize, i64, Option<i64>),
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly of one posto and two carros, so that they meet.
    let posto = prop_oneof![4 => Just(0), 1 => 0..POSTOS];
    let carro = prop_oneof![4 => 0..2usize, 1 => 0..PLATES.len()];
    prop_oneof![
        4 => (1i64..15).prop_map(Step::Pass),
        1 => Just(Step::Sweep),
        4 => (posto.clone(), carro.clone(), prop_oneof![Just(0i64), 0i64..40], 1i64..60)
            .prop_map(|(posto, carro, from, length)| Step::Reserve(posto, carro, from, length)),
        1 => (0usize..12).prop_map(Step::Cancel),
        4 => (posto.clone(), carro.clone()).prop_map(|(posto, carro)| Step::Start(posto, carro)),
        4 => (posto.clone(), proptest::option::weighted(0.2, 0i64..20))
            .prop_map(|(posto, ago)| Step::Finish(posto, ago)),
        4 => (posto, carro, 0i64..25, proptest::option::weighted(0.7, 0i64..15)).prop_map(
            |(posto, carro, ago, length)| Step::Report(posto, carro, ago, length)
        ),
    ]
}

#[derive(Debug, Clone)]
struct Reserva {
    posto: usize,
    carro: usize,
    inicio: i64,
    fim: i64,
    state: ReservaState,
    desde: i64,
    livre_desde: Option<i64>,
    /// Since when its carro could come; `None` while it cannot, or is there.
    usable_since: Option<i64>,
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

    fn holds(&self, minute: i64) -> bool {
        !self.is_given_up() && self.inicio <= minute && minute < self.end()
    }

    fn becomes(&mut self, state: ReservaState, desde: i64) {
        (self.state, self.desde) = (state, desde);
    }
}

#[derive(Debug, Clone)]
struct Session {
    posto: usize,
    carro: usize,
    inicio: i64,
    fim: Option<i64>,
}

impl Session {
    fn overlaps(&self, inicio: i64, fim: Option<i64>) -> bool {
        self.fim.is_none_or(|own| inicio < own) && fim.is_none_or(|fim| self.inicio < fim)
    }
}

#[derive(Debug, Default)]
struct Model {
    now: i64,
    reservas: Vec<Reserva>,
    sessions: Vec<Session>,
}

impl Model {
    fn charging(&self, posto: usize) -> Option<&Session> {
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

    fn pass(&mut self, minutes: i64) {
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

    fn reserve(&mut self, posto: usize, carro: usize, from: i64, length: i64) -> bool {
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
        let reserva =
            Reserva { posto, carro, inicio, fim, state, desde, livre_desde, usable_since };
        self.reservas.push(reserva);
        self.settle();
        true
    }

    fn cancel(&mut self, index: usize) -> bool {
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

    fn start(&mut self, posto: usize, carro: usize) -> bool {
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

    fn finish(&mut self, index: usize, fim: i64) -> bool {
        let Session { posto, carro, inicio, .. } = self.sessions[index];
        if fim < inicio {
            return false;
        }
        self.sessions[index].fim = Some(fim);
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

    /// The numbers of the reservas of others that had a moment of a session.
    fn conflicts(&self, posto: usize, carro: usize, inicio: i64, fim: Option<i64>) -> Vec<i64> {
        let until = fim.unwrap_or(self.now + 1);
        let others = (1..).zip(&self.reservas).filter(|(_, reserva)| {
            let shared =
                reserva.had(inicio, until) || reserva.inicio <= inicio && inicio < reserva.end();
            reserva.posto == posto && reserva.carro != carro && shared
        });
        others.map(|(number, _)| number).collect()
    }

    fn report(&mut self, posto: usize, carro: usize, inicio: i64, fim: Option<i64>) -> bool {
        let same = |session: &Session| {
            (session.posto, session.carro, session.inicio, session.fim)
                == (posto, carro, inicio, fim)
        };
        if fim.is_some_and(|fim| fim > self.now) {
            return false;
        }
        if self.sessions.iter().any(same) {
            return true;
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
        for reserva in self.reservas.iter_mut().filter(|_| !held_by_another) {
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
        self.settle();
        true
    }
}

/// The store, and the numbers that the model has for its rows.
struct Real {
    store: TestStore,
    /// Of the sessions, by their numbers in the model.
    ids: BTreeMap<usize, i64>,
    /// How far each reserva has come.
    seen: Vec<(ReservaState, i64)>,
}

fn posto_id(posto: usize) -> i64 {
    i64::try_from(posto).expect("a few") + 1
}

fn millis(moment: Moment) -> i64 {
    moment.as_millis()
}

impl Real {
    /// Does the same in both; whether both allow it.
    async fn play(&mut self, model: &mut Model, step: Step) {
        let before = model.sessions.len();
        let (allowed, done) = match step {
            Step::Pass(minutes) => {
                model.pass(minutes);
                set_now(START + model.now * MINUTE);
                (true, true)
            }
            Step::Sweep => (true, self.store.store.sweep().await.is_ok()),
            Step::Reserve(posto, carro, from, length) => {
                let number = self.seen.len();
                let allowed = model.reserve(posto, carro, from, length);
                let done = self.reserve(number, posto, carro, from, length).await;
                if done {
                    self.seen.push((ReservaState::Ativa, 0));
                }
                (allowed, done)
            }
            Step::Cancel(index) if index < model.reservas.len() => {
                let done = self.store.cancel(&format!("r{index}")).await.is_ok();
                (model.cancel(index), done)
            }
            Step::Start(posto, carro) => {
                let start =
                    StartCarregamento { posto_id: posto_id(posto), placa: placa(PLATES[carro]) };
                let id = self.store.store.execute(start).await;
                let allowed = model.start(posto, carro);
                if let (Ok(id), true) = (&id, model.sessions.len() > before) {
                    self.ids.insert(before, *id);
                }
                (allowed, id.is_ok())
            }
            Step::Finish(posto, ago) => {
                let open = |session: &Session| session.posto == posto && session.fim.is_none();
                let Some(index) = model.sessions.iter().position(open) else { return };
                let fim = ago.map(|ago| at(model.now - ago));
                let finish = FinishCarregamento {
                    posto_id: posto_id(posto),
                    id: self.ids[&index],
                    energy: energy(1.0),
                    fim,
                };
                let done = self.store.store.execute(finish).await.is_ok();
                (model.finish(index, model.now - ago.unwrap_or(0)), done)
            }
            Step::Report(posto, carro, ago, length) => {
                let inicio = model.now - ago;
                let fim = length.map(|length| inicio + length);
                let ended = fim.map(|fim| (at(fim), energy(1.0)));
                let session = ReportedSession { inicio: at(inicio), ended };
                let placa = placa(PLATES[carro]);
                let report = ReportCarregamento { posto_id: posto_id(posto), placa, session };
                let reported = self.store.store.execute(report).await;
                if let Ok(reported) = &reported {
                    assert_eq!(reported.conflitos, model.conflicts(posto, carro, inicio, fim));
                }
                let allowed = model.report(posto, carro, inicio, fim);
                if let (Ok(reported), true) = (&reported, model.sessions.len() > before) {
                    self.ids.insert(before, reported.id);
                }
                (allowed, reported.is_ok())
            }
            Step::Cancel(_) => return,
        };
        assert_eq!(done, allowed, "at {}: {step:?}\n{model:#?}", model.now);
        self.compare(model, step).await;
    }

    async fn reserve(
        &self,
        number: usize,
        posto: usize,
        carro: usize,
        from: i64,
        length: i64,
    ) -> bool {
        let name = format!("r{number}");
        let mut command =
            crate::support::reservation(&name, PLATES[carro], posto_id(posto), Some((0, 1)));
        let (inicio, fim) = (now().plus_millis(from * MINUTE), from + length);
        command.command.interval.inicio = Some(inicio);
        command.command.interval.fim = Some(now().plus_millis(fim * MINUTE));
        // A refused one is another request than the next.
        if self.store.store.execute(command.clone()).await.is_ok() {
            return true;
        }
        self.store.execute_sql("DELETE FROM refusals");
        false
    }

    async fn compare(&mut self, model: &Model, step: Step) {
        let context = || format!("after {step:?} at {}:\n{model:#?}", model.now);
        for (index, expected) in model.reservas.iter().enumerate() {
            let facts = self.store.facts(&format!("r{index}")).await;
            let shown = (
                facts.state,
                millis(facts.desde),
                facts.livre_desde.map(millis),
                facts.holds_at(now()),
            );
            let moment = |minute: i64| millis(at(minute));
            let expected = (
                expected.state,
                moment(expected.desde),
                expected.livre_desde.map(moment),
                expected.holds(model.now),
            );
            assert_eq!(shown, expected, "r{index} {}", context());
            self.goes_on(index, facts.state, facts.versao);
        }
        for posto in 0..POSTOS {
            let held = model
                .reservas
                .iter()
                .filter(|reserva| reserva.posto == posto && reserva.holds(model.now));
            let held = held.count();
            assert!(held <= 1, "held twice: {}", context());
            let free = held == 0 && model.charging(posto).is_none();
            assert_eq!(self.store.disponivel(posto_id(posto)).await, free, "{}", context());
        }
    }

    /// A reserva only goes on, and every change of state has a number of its own.
    fn goes_on(&mut self, index: usize, state: ReservaState, versao: i64) {
        let rank = |state| match state {
            ReservaState::Ativa => 0,
            ReservaState::Encerrada => 1,
            ReservaState::Cumprida | ReservaState::NaoCompareceu | ReservaState::Cancelada => 2,
        };
        let (before, number) = self.seen[index];
        assert!(versao >= number, "r{index}");
        if state != before {
            assert!(
                rank(state) > rank(before) && versao > number,
                "r{index}: {before:?} {state:?}"
            );
        }
        self.seen[index] = (state, versao);
    }
}

async fn play(steps: &[Step]) {
    set_now(START);
    let rules = Rules { por_carro: 0, ..patient() };
    let store = TestStore::with_rules(i64::try_from(POSTOS).expect("a few"), rules).await;
    let mut real = Real { store, ids: BTreeMap::new(), seen: Vec::new() };
    let mut model = Model::default();
    for step in steps {
        real.play(&mut model, *step).await;
    }
    let file = rusqlite::Connection::open(real.store.path()).expect("the file");
    for (overlaps, sql) in [
        (
            "reservas",
            "SELECT count(*) FROM reservas AS a JOIN reservas AS b
             ON a.posto_id = b.posto_id AND a.id < b.id
             WHERE a.inicio < b.held_until AND b.inicio < a.held_until",
        ),
        (
            "sessions",
            "SELECT count(*) FROM carregamentos AS a JOIN carregamentos AS b
             ON (a.posto_id = b.posto_id OR a.placa = b.placa) AND a.id < b.id
             WHERE a.inicio < COALESCE(b.fim, 9e15) AND b.inicio < COALESCE(a.fim, 9e15)",
        ),
    ] {
        let found: i64 = file.query_row(sql, [], |row| row.get(0)).expect("SQL");
        assert_eq!(found, 0, "{overlaps} overlap: {steps:?}");
    }
}

#[test]
fn reservas_and_sessions_live_as_a_plain_model_of_the_rules_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let config = ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() };
    let steps = proptest::collection::vec(step(), 1..80);
    let played = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(play(&steps));
        Ok(())
    });
    played.expect("they agree");
}
