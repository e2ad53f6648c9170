//! Random sequences of reservations, sessions and time, against a plain model of the rules.

use std::collections::BTreeMap;

use domain::{Moment, ReportedSession, ReservaState, Rules};
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use server::store::{FinishCarregamento, ReportCarregamento, StartCarregamento};

use crate::store::reserva_support::{MINUTE, patient};
use crate::store::sessions::at;
use crate::store::sessions_model::{Model, PLATES, POSTOS, Session};
use crate::store::sessions_steps::{Step, step};
use crate::support::{START, TestStore, energy, now, placa, set_now};

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
                (model.finish(index, ago.map(|ago| model.now - ago)), done)
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
                facts.free_early().map(millis),
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
            self.goes_on(index, step, facts.state, facts.versao);
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
    fn goes_on(&mut self, index: usize, step: Step, state: ReservaState, versao: i64) {
        let rank = |state| match state {
            ReservaState::Ativa => 0,
            ReservaState::Encerrada => 1,
            ReservaState::Cumprida | ReservaState::NaoCompareceu | ReservaState::Cancelada => 2,
        };
        let (before, number) = self.seen[index];
        assert!(versao >= number, "r{index}");
        // A session is said to have ended before a reserva in which nobody charged, then.
        let says_end = matches!(step, Step::Finish(_, Some(_)) | Step::Report(.., Some(_)));
        let is_taken_back = before == ReservaState::Cumprida && says_end;
        if state != before {
            assert!(
                (rank(state) > rank(before) || is_taken_back) && versao > number,
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
