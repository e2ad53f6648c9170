//! Whatever is asked for in whatever order, also while clocks are set back and servidores start again:
//! no command fails, answers stay, ends are final, and no posto is held for nobody.

use std::collections::BTreeMap;

use domain::{Handling, NivelBateria, Rejection, ReportedSession, ReservaChange};
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use rusqlite::OptionalExtension as _;
use server::store::{
    CarregamentosQuery, ChangeReserva, FinishCarregamento, ForgetCarro, Found, RecordTelemetry,
    ReportCarregamento, ReservasQuery, Reserved, SetService, StartCarregamento, WriteError,
};

use crate::reserva_support::{MINUTE, patient};
use crate::store_sessions::at;
use crate::support::{START, TestStore, energy, now, placa, reservation, set_now, soon};

const PLATES: [&str; 3] = ["AAA1111", "BBB2222", "CCC3333"];

#[derive(Debug, Clone)]
enum Step {
    Pass(i64),
    Sweep,
    Reopen,
    Reserve(i64, usize, i64, i64),
    Cancel(usize),
    Change(usize, Option<i64>, Option<i64>, Option<i64>),
    Repeat(usize),
    Start(i64, usize),
    Finish(i64, Option<i64>),
    Report(i64, usize, i64, Option<i64>),
    Service(i64, bool, Handling, bool),
    Charges(usize),
    Forget(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let posto = || 1..=3i64;
    let carro = || 0..PLATES.len();
    let handling = proptest::sample::select(Handling::ALL);
    let begin = prop_oneof![Just(0), -4..60i64];
    let some = |range: std::ops::Range<i64>| proptest::option::of(range);
    prop_oneof![
        4 => (1..40i64).prop_map(Step::Pass),
        1 => (-30..0i64).prop_map(Step::Pass),
        2 => Just(Step::Sweep),
        1 => Just(Step::Reopen),
        6 => (posto(), carro(), begin, 1..90i64).prop_map(|(p, c, f, l)| Step::Reserve(p, c, f, l)),
        1 => (0..20usize).prop_map(Step::Cancel),
        // What has begun may go elsewhere, and end at another time.
        4 => (0..10usize, some(1..5i64), some(-6..120i64)).prop_map(|(i, p, t)| Step::Change(i, p, None, t)),
        2 => (0..20usize, some(1..5i64), some(-6..60i64), some(-6..120i64))
            .prop_map(|(i, p, f, t)| Step::Change(i, p, f, t)),
        2 => (0..40usize).prop_map(Step::Repeat),
        4 => (posto(), carro()).prop_map(|(p, c)| Step::Start(p, c)),
        4 => (posto(), some(0..60i64)).prop_map(|(p, ago)| Step::Finish(p, ago)),
        2 => (posto(), carro(), 0..90i64, some(0..60i64)).prop_map(|(p, c, a, l)| Step::Report(p, c, a, l)),
        2 => (posto(), any::<bool>(), handling, any::<bool>()).prop_map(|(p, s, h, d)| Step::Service(p, s, h, d)),
        1 => carro().prop_map(Step::Charges),
        1 => carro().prop_map(Step::Forget),
    ]
}

enum Asked {
    Reserve(server::store::Reserve),
    Change(ChangeReserva),
}

struct World {
    store: TestStore,
    minute: i64,
    reservas: usize,
    asked: Vec<(Asked, Result<Reserved, Rejection>)>,
    /// As recorded: version and state of each reserva.
    seen: BTreeMap<i64, (i64, String)>,
}

fn decided<T: std::fmt::Debug>(outcome: Result<T, WriteError>) -> Result<T, Rejection> {
    match outcome {
        Ok(done) => Ok(done),
        Err(WriteError::Rejected(rejection)) => Err(rejection),
        Err(other) => panic!("it failed: {other:?}"),
    }
}

impl World {
    async fn play(mut self, step: Step) -> Self {
        let store = &self.store.store;
        match step {
            Step::Pass(minutes) => {
                self.minute += minutes;
                set_now(START + self.minute * MINUTE);
            }
            Step::Sweep => decided(store.sweep().await).expect("a sweep"),
            Step::Reopen => self.store = self.store.reopen_with(patient()).await,
            Step::Reserve(posto, carro, from, length) => {
                let mut command =
                    reservation(&format!("r{}", self.reservas), PLATES[carro], posto, None);
                command.command.interval.inicio = Some(at(self.minute + from));
                command.command.interval.fim = Some(at(self.minute + from + length));
                command.deadline = soon();
                self.reservas += 1;
                let answer = decided(store.execute(command.clone()).await);
                self.asked.push((Asked::Reserve(command), answer));
            }
            Step::Cancel(index) => {
                let _ = decided(self.store.cancel(&format!("r{index}")).await);
            }
            Step::Change(index, posto_id, from, to) => {
                let change = ReservaChange {
                    posto_id,
                    inicio: from.map(|from| at(self.minute + from)),
                    fim: to.map(|to| at(self.minute + to)),
                };
                let command = ChangeReserva {
                    request_id: format!("c{}", self.asked.len()),
                    fingerprint: [1; 16],
                    reserva_request_id: format!("r{index}"),
                    change,
                    app: None,
                    deadline: soon(),
                };
                // What time has done is not what the change does.
                decided(store.sweep().await).expect("a sweep");
                let price = format!("UPDATE postos SET preco_kwh = {}", 1 + self.asked.len() % 7);
                self.store.execute_sql(&price);
                let before = self.waits_until(index);
                let answer = decided(store.execute(command.clone()).await);
                if let (Some(before), Ok(_)) = (before, &answer) {
                    let after = self.waits_until(index);
                    let is_there = after.is_none() && !self.is_active(index);
                    assert!(is_there || after.is_some_and(|after| after <= before), "{command:?}");
                }
                self.asked.push((Asked::Change(command), answer));
            }
            Step::Repeat(index) => {
                let Some((asked, first)) = self.asked.get(index) else { return self };
                let again = match asked {
                    Asked::Reserve(command) => decided(store.execute(command.clone()).await),
                    Asked::Change(command) => decided(store.execute(command.clone()).await),
                };
                let kept = match &again {
                    Err(Rejection::ReservaInexistente { .. }) => true,
                    _ => &again == first,
                };
                assert!(kept, "{again:?} and not {first:?}");
            }
            Step::Start(posto_id, carro) => {
                let start = StartCarregamento { posto_id, placa: placa(PLATES[carro]) };
                let _ = decided(store.execute(start).await);
            }
            Step::Finish(posto_id, ago) => {
                let query = CarregamentosQuery {
                    posto_id: Some(posto_id),
                    limit: 100,
                    ..CarregamentosQuery::default()
                };
                let sessions = store.carregamentos(&query).await.expect("a read");
                let Some(open) = sessions.iter().find(|session| session.finished.is_none()) else {
                    return self;
                };
                let fim = ago.map(|ago| at(self.minute - ago));
                let (id, energy) = (open.id, energy(1.0));
                let _ =
                    decided(store.execute(FinishCarregamento { posto_id, id, energy, fim }).await);
            }
            Step::Report(posto_id, carro, ago, length) => {
                let inicio = at(self.minute - ago);
                let ended = length.map(|length| (at(self.minute - ago + length), energy(1.0)));
                let session = ReportedSession { inicio, ended };
                let placa = placa(PLATES[carro]);
                let _ =
                    decided(store.execute(ReportCarregamento { posto_id, placa, session }).await);
            }
            Step::Service(posto_id, in_service, handling, simulate) => {
                let until = None;
                let em_manutencao = None;
                let set =
                    SetService { posto_id, in_service, em_manutencao, handling, until, simulate };
                let _ = decided(store.execute(set).await);
            }
            Step::Charges(carro) => {
                let report = RecordTelemetry {
                    placa: placa(PLATES[carro]),
                    nivel_bateria: NivelBateria::new(30.0).expect("a level"),
                    taxa_descarga: None,
                    em_carregamento: Some(true),
                };
                let _ = decided(store.execute(report).await);
            }
            Step::Forget(carro) => {
                let placa = placa(PLATES[carro]);
                let refusals = Found::default();
                let _ = decided(store.execute(ForgetCarro { placa, refusals }).await);
            }
        }
        self
    }

    /// When the absence of a reserva that has begun is due, in milliseconds.
    fn waits_until(&self, index: usize) -> Option<i64> {
        let file = rusqlite::Connection::open(self.store.path()).expect("the file");
        let sql = "SELECT falta_em FROM reservas WHERE request_id = ?1 AND inicio <= ?2";
        let parameters = rusqlite::params![format!("r{index}"), now().as_millis()];
        file.query_row(sql, parameters, |row| row.get(0)).optional().expect("a query").flatten()
    }

    fn is_active(&self, index: usize) -> bool {
        let file = rusqlite::Connection::open(self.store.path()).expect("the file");
        let sql = "SELECT status = 'ativa' FROM reservas WHERE request_id = ?1";
        file.query_row(sql, [format!("r{index}")], |row| row.get(0)).expect("a query")
    }

    /// `says_end`: a session was just said to have ended before.
    async fn check(&mut self, says_end: bool) {
        let store = &self.store.store;
        let all = ReservasQuery { limit: 1000, ..ReservasQuery::default() };
        for reserva in store.reservas(&all, now()).await.expect("a read") {
            let filter = ReservasQuery { status: Some(reserva.facts.state), ..all.clone() };
            let found = store.reservas(&filter, now()).await.expect("a read");
            assert!(found.iter().any(|found| found.id == reserva.id), "{reserva:?}");
        }
        let file = rusqlite::Connection::open(self.store.path()).expect("the file");
        let recorded: Vec<(i64, i64, String)> = file
            .prepare("SELECT id, versao, status FROM reservas")
            .and_then(|mut sql| {
                sql.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
            })
            .expect("a query");
        for (id, versao, status) in recorded {
            let before = self.seen.insert(id, (versao, status.clone()));
            let Some((version_before, state_before)) = before else { continue };
            let is_final = !["ativa", "encerrada"].contains(&state_before.as_str());
            // Nobody had charged in it: its session is said to have ended before it began.
            let is_taken_back = state_before == "cumprida" && says_end && version_before < versao;
            let goes_on = !is_final || state_before == status || is_taken_back;
            assert!(version_before <= versao && goes_on, "{id}");
        }
        let millis = now().as_millis();
        let idle: Vec<i64> = file
            .prepare(
                "SELECT r.id FROM reservas AS r WHERE status = 'cumprida' AND held_until > ?1 AND livre_desde IS NULL
                   AND placa IS NOT NULL AND NOT EXISTS (SELECT 1 FROM carregamentos AS c
                     WHERE c.fim IS NULL AND c.posto_id = r.posto_id AND c.placa = r.placa)",
            )
            .and_then(|mut sql| sql.query_map([millis], |row| row.get(0))?.collect())
            .expect("a query");
        assert_eq!(idle, [0; 0], "fulfilled, and held for nobody");
        let overlaps: i64 = file
            .query_row(
                "SELECT count(*) FROM reservas AS a JOIN reservas AS b ON a.posto_id = b.posto_id
                   AND a.id < b.id AND a.held_from < b.held_until AND b.held_from < a.held_until",
                [],
                |row| row.get(0),
            )
            .expect("a query");
        assert_eq!(overlaps, 0);
        let wrong = |what: &str, sql: &str| {
            let count: i64 = file.query_row(sql, [], |row| row.get(0)).expect("a query");
            assert_eq!(count, 0, "{what}");
        };
        wrong(
            "sessions have the price of their reserva",
            "SELECT count(*) FROM carregamentos AS c JOIN reservas AS r ON r.id = c.reserva_id
             WHERE c.preco_kwh <> r.preco_kwh",
        );
        wrong(
            "what is active holds its posto",
            "SELECT count(*) FROM reservas WHERE status = 'ativa' AND held_until IS NULL",
        );
        let listing = store.listing().await.expect("a list");
        let ids: Vec<i64> = listing.postos.iter().map(|posto| posto.id).collect();
        assert_eq!(listing.postos, store.postos_by_id(&ids, now()).await.expect("a read"));
    }
}

#[test]
fn nothing_fails_whatever_is_asked_in_whatever_order() {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(25);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let steps = proptest::collection::vec(step(), 1..60);
    let played = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(async {
            set_now(START);
            let store = TestStore::with_rules(3, patient()).await;
            let mut world =
                World { store, minute: 0, reservas: 0, asked: Vec::new(), seen: BTreeMap::new() };
            for step in steps {
                let says_end = matches!(step, Step::Finish(_, Some(_)));
                world = world.play(step).await;
                world.check(says_end).await;
            }
        });
        Ok(())
    });
    played.expect("nothing fails");
}
