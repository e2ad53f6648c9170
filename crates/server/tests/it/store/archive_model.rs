//! A store where everything that ended is archived at random moments answers every question as one that
//! never archives.

use std::cell::Cell;
use std::fmt::Debug;
use std::time::Duration;

use domain::{Moment, ReservaFacts, ReservaState};
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use server::store::{
    AuditQuery, CarregamentosQuery, ForgettableRows, RequestOutcome, ReservaView, ReservasQuery,
    StoreError,
};

use crate::store::anything_steps::{PLATES, Step, World, step};
use crate::store::archive::archive;
use crate::store::reserva_support::MINUTE;
use crate::support::{START, TestStore, jump_to, now};

const POSTOS: [i64; 3] = [1, 2, 3];
/// Of a page: the past and the present share pages.
const PAGE: i64 = 3;

/// How many minutes after a step something is archived, if it is, and how old it must be.
type Later = Option<(i64, Duration)>;

fn steps() -> impl Strategy<Value = Vec<(Step, Later)>> {
    let age = prop_oneof![3 => Just(0), 1 => 1..45u64].prop_map(|minutes| minutes * 60);
    let later = (0..150i64, age.prop_map(Duration::from_secs));
    // What a clock holds that is set back by more than the age is in no archive.
    let forward = step().prop_filter(
        "a clock that is set back",
        |step| !matches!(step, Step::Pass(minutes) if *minutes < 0),
    );
    proptest::collection::vec((forward, proptest::option::weighted(0.3, later)), 1..60)
}

/// What nobody is shown is left out: of what is archived it is recorded that it holds nothing.
fn shown_reserva(reserva: ReservaView) -> ReservaView {
    let facts = ReservaFacts { livre_desde: reserva.facts.free_early(), ..reserva.facts };
    ReservaView { facts, ..reserva }
}

fn shown(mut outcome: RequestOutcome) -> RequestOutcome {
    if let Some(current) = &mut outcome.current {
        current.reserva.facts.livre_desde = current.reserva.facts.free_early();
    }
    outcome
}

/// Everything that a store answers.
struct Answers(Vec<String>);

impl Answers {
    fn add(&mut self, question: &dyn Debug, answer: impl Debug) {
        self.0.push(format!("{question:?}: {answer:?}"));
    }

    /// Of a list that is read page by page.
    async fn add_pages<T: Debug>(
        &mut self,
        question: &dyn Debug,
        id: impl Fn(&T) -> i64,
        mut page: impl AsyncFnMut(Option<i64>) -> Result<Vec<T>, StoreError>,
    ) -> Vec<T> {
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let next = page(before).await.expect("a page");
            before = next.last().map(&id);
            all.extend(next);
            if before.is_none() {
                self.add(question, &all);
                return all;
            }
        }
    }

    async fn add_reservas(&mut self, store: &TestStore) {
        let store = &store.store;
        let any = ReservasQuery { limit: PAGE, ..ReservasQuery::default() };
        let mut queries = vec![any.clone()];
        let states = ReservaState::ALL.iter();
        queries.extend(states.map(|state| ReservasQuery { status: Some(*state), ..any.clone() }));
        let plates = PLATES.iter().map(|plate| Some((*plate).to_owned()));
        queries.extend(plates.map(|placa| ReservasQuery { placa, ..any.clone() }));
        let postos = POSTOS.iter().map(|posto| Some(*posto));
        queries.extend(postos.map(|posto_id| ReservasQuery { posto_id, ..any.clone() }));
        for query in queries {
            let page = async |before| {
                let query = ReservasQuery { before, ..query.clone() };
                let found = store.reservas(&query, now()).await?;
                Ok(found.into_iter().map(shown_reserva).collect())
            };
            let found = self.add_pages(&query, |reserva| reserva.id, page).await;
            for reserva in found {
                let one = store.reserva(reserva.id, now()).await.expect("a read");
                self.add(&reserva.id, one.map(shown_reserva));
            }
        }
    }

    async fn add_carregamentos(&mut self, store: &TestStore) {
        let store = &store.store;
        let any = CarregamentosQuery { limit: PAGE, ..CarregamentosQuery::default() };
        let since = Some(now().plus_millis(-3_600_000));
        let mut queries = vec![
            any.clone(),
            CarregamentosQuery { from: since, ..any.clone() },
            CarregamentosQuery { until: since, ..any.clone() },
            CarregamentosQuery { is_open: Some(true), ..any.clone() },
            CarregamentosQuery { is_open: Some(false), ..any.clone() },
        ];
        let plates = PLATES.iter().map(|plate| Some((*plate).to_owned()));
        queries.extend(plates.map(|placa| CarregamentosQuery { placa, ..any.clone() }));
        let postos = POSTOS.iter().map(|posto| Some(*posto));
        queries.extend(postos.map(|posto_id| CarregamentosQuery { posto_id, ..any.clone() }));
        for query in queries {
            let page = async |before| {
                store.carregamentos(&CarregamentosQuery { before, ..query.clone() }, now()).await
            };
            let found = self.add_pages(&query, |session| session.id, page).await;
            for session in found {
                let one = store.carregamento(session.posto_id, session.id).await;
                self.add(&session.id, one.expect("a read"));
            }
        }
    }

    /// What was answered in `world`, and all that can be asked there now.
    async fn of(world: &World) -> Self {
        let mut answers = Self(world.answers.clone());
        answers.0.extend(world.asked.iter().map(|(_, answer)| format!("{answer:?}")));
        let store = &world.store.store;
        for request in 0..world.reservas {
            let request_id = format!("r{request}");
            let outcome = store.request_outcome(&request_id, None, now()).await;
            answers.add(&request_id, outcome.expect("a read").map(shown));
        }
        for change in 0..world.asked.len() {
            let request_id = format!("c{change}");
            let outcome = store.change_outcome(&request_id, None, now()).await;
            answers.add(&request_id, outcome.expect("a read").map(shown));
        }
        answers.add_reservas(&world.store).await;
        answers.add_carregamentos(&world.store).await;
        answers.add(&"carros", store.carros(None, 100).await.expect("a read"));
        let audit = AuditQuery { limit: 1000, ..AuditQuery::default() };
        answers.add(&"audit", store.audit(&audit).await.expect("a read"));
        answers.add(&"postos", &store.listing().await.expect("a list").postos);
        answers.add(&"old", store.ended(now(), &ForgettableRows::default()).await.expect("a read"));
        let end = Moment::from_millis(i64::MAX);
        answers.add(&"all", store.ended(end, &ForgettableRows::default()).await.expect("a read"));
        answers
    }
}

/// What a store answers while these steps are played: after each after which something is archived, and
/// after the last; and how many rows it archived.
async fn play(steps: &[(Step, Later)], archives: bool) -> (Vec<Answers>, usize) {
    let mut world = World::begin().await;
    let (mut all, mut rows) = (Vec::new(), 0);
    for (step, later) in steps {
        world = world.play(step.clone()).await;
        let Some((minutes, age)) = later else { continue };
        world.minute += minutes;
        jump_to(START + world.minute * MINUTE);
        // Only what is recorded to have ended is archived.
        world.store.store.sweep().await.expect("a sweep");
        if archives {
            rows += archive(&world.store, *age).await;
        }
        all.push(Answers::of(&world).await);
    }
    all.push(Answers::of(&world).await);
    (all, rows)
}

#[test]
fn a_store_that_archives_answers_as_one_that_does_not() {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(25);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rows = Cell::new(0);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let played = TestRunner::new(config).run(&steps(), |steps| {
        let ((kept, _), (archived, part)) =
            runtime.block_on(async { (play(&steps, false).await, play(&steps, true).await) });
        rows.set(rows.get() + part);
        for (time, (kept, archived)) in kept.iter().zip(&archived).enumerate() {
            for (kept, archived) in kept.0.iter().zip(&archived.0) {
                prop_assert_eq!(archived, kept, "at time {}", time);
            }
            prop_assert_eq!(archived.0.len(), kept.0.len());
        }
        Ok(())
    });
    played.expect("the same answers");
    assert!(rows.get() > usize::try_from(cases).expect("a number"), "{} were archived", rows.get());
    println!("{} rows were archived", rows.get());
}
