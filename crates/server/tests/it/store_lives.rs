//! What becomes of reservas: the same in SQL and in Rust, whether or not it is recorded.

use std::time::Duration;

use domain::{
    ChargerMessage, Moment, Motivo, NivelBateria, Placa, Rejection, ReservaFacts, ReservaState,
    Rules,
};
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use server::store::{
    Change, FinishCarregamento, RecordChargerMessage, RecordTelemetry, ReservasQuery,
    StartCarregamento, WriteError,
};

use crate::support::{HOUR, START, TestStore, energy, now, placa, reservation, set_now};

pub(crate) const MINUTE: i64 = 60_000;

/// Fifteen minutes of tolerance.
pub(crate) fn patient() -> Rules {
    Rules { tolerancia: Duration::from_secs(15 * 60), ..Rules::default() }
}

pub(crate) fn rejected<T: std::fmt::Debug>(outcome: Result<T, WriteError>) -> Rejection {
    match outcome {
        Err(WriteError::Rejected(rejection)) => rejection,
        other => panic!("not a refusal: {other:?}"),
    }
}

impl TestStore {
    /// A reserva as it is now, by its request.
    pub(crate) async fn facts(&self, request_id: &str) -> ReservaFacts {
        let outcome = self.store.request_outcome(request_id, None, now()).await.expect("a read");
        outcome.and_then(|outcome| outcome.current).expect("a reserva").reserva.facts
    }

    pub(crate) fn execute_sql(&self, sql: &str) {
        let file = rusqlite::Connection::open(self.path()).expect("the file");
        file.execute_batch(sql).expect(sql);
    }

    /// Changes of reservas since the last call, as they were reported.
    pub(crate) fn told(&mut self) -> Vec<(i64, ReservaState, Option<i64>)> {
        let mut told = Vec::new();
        while let Ok(changes) = self.changes.try_recv() {
            told.extend(changes.into_iter().filter_map(|change| match change {
                Change::Reserva { id, state, told, .. } => {
                    Some((id, state, told.map(|(_, reserva)| reserva.facts.versao)))
                }
                Change::Posto(_) => None,
            }));
        }
        told
    }

    pub(crate) async fn charger_says(&self, disponivel: bool) {
        let message =
            ChargerMessage { disponivel, em_manutencao: None, retained: None, replayed: false };
        let command = RecordChargerMessage { posto_id: 1, direct: false, message };
        self.store.execute(command).await.expect("it is written");
    }

    pub(crate) async fn charges(&self, placa: Placa) -> i64 {
        self.store.execute(StartCarregamento { posto_id: 1, placa }).await.expect("it may")
    }

    pub(crate) async fn leaves(&self, id: i64) {
        let finish = FinishCarregamento { posto_id: 1, id, energy: energy(1.0), fim: None };
        self.store.execute(finish).await.expect("it ends");
    }

    pub(crate) async fn reports_charging(&self, plate: &str) {
        let report = RecordTelemetry {
            placa: placa(plate),
            nivel_bateria: NivelBateria::new(30.0).expect("a level"),
            taxa_descarga: None,
            em_carregamento: Some(true),
        };
        self.store.execute(report).await.expect("it is known");
    }
}

/// A recorded reserva of a posto of its own; times in milliseconds after [`START`].
#[derive(Debug, Clone)]
struct Recorded {
    state: ReservaState,
    inicio: i64,
    fim: i64,
    livre_desde: Option<i64>,
    falta_em: Option<i64>,
    /// Its carro charges there already.
    in_session: bool,
}

fn recorded() -> impl Strategy<Value = Recorded> {
    let state = (proptest::sample::select(ReservaState::ALL), any::<bool>());
    let times =
        (0i64..40, 1i64..40, proptest::option::of(0i64..90), proptest::option::of(0i64..90));
    (state, times).prop_map(|((state, in_session), (inicio, length, livre_desde, falta_em))| {
        let fim = inicio + length;
        let waits = matches!(state, ReservaState::Ativa | ReservaState::Encerrada);
        let in_session = in_session && waits;
        Recorded {
            state,
            inicio,
            fim,
            in_session,
            livre_desde: livre_desde.filter(|_| state == ReservaState::Cumprida),
            // As they are recorded: after `inicio`, and before `fim` or not.
            falta_em: falta_em.map(|due| inicio + 1 + due).filter(|_| waits && !in_session),
        }
    })
}

/// What SQL says of these rows at each moment is what the domain says.
async fn compare(rows: &[Recorded]) {
    set_now(START);
    let store = TestStore::new(i64::try_from(rows.len()).expect("a few")).await;
    store.execute_sql(
        "INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
         INSERT INTO carregamentos (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
             VALUES (1, 1, 'ABC1234', 0, 2.5, 1, 0, 0)",
    );
    for (id, row) in (1..).zip(rows) {
        let Recorded { state, inicio, fim, livre_desde, falta_em, in_session } = row;
        let millis = |after: &Option<i64>| match after {
            Some(after) => (START + after).to_string(),
            None => "NULL".to_owned(),
        };
        store.execute_sql(&format!(
            "INSERT INTO reservas (id, request_id, posto_id, placa, inicio, fim, status, created_at,
                 updated_at, desde, livre_desde, falta_em, carregamento_id)
             VALUES ({id}, 'r{id}', {id}, 'ABC1234', {}, {}, '{}', 0, 0, 0, {}, {}, {})",
            START + inicio,
            START + fim,
            state.as_str(),
            millis(livre_desde),
            millis(falta_em),
            if *in_session { "1" } else { "NULL" }
        ));
    }
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let mut held_until = file.prepare("SELECT held_until FROM reservas ORDER BY id").expect("SQL");
    let held_until: Vec<Option<i64>> =
        held_until.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("the ends");
    let query = |status| ReservasQuery { status, limit: 1000, ..ReservasQuery::default() };
    for after in (0..100).step_by(3) {
        set_now(START + after);
        let all = store.store.reservas(&query(None), now()).await.expect("a read");
        for state in ReservaState::ALL {
            let found = store.store.reservas(&query(Some(*state)), now()).await.expect("a read");
            let found: Vec<i64> = found.iter().map(|reserva| reserva.id).collect();
            let expected = all.iter().filter(|reserva| reserva.facts.state == *state);
            assert_eq!(found, expected.map(|reserva| reserva.id).collect::<Vec<_>>(), "{state:?}");
        }
        let listing = store.store.listing().await.expect("a listing");
        for reserva in &all {
            let index = usize::try_from(reserva.id - 1).expect("an index");
            let Recorded { state, inicio, fim, livre_desde, falta_em, in_session } = &rows[index];
            let at = |after: &i64| Moment::from_millis(START + after);
            let facts = ReservaFacts {
                interval: domain::Interval::new(at(inicio), at(fim)).expect("not empty"),
                state: *state,
                livre_desde: livre_desde.as_ref().map(at),
                falta_em: falta_em.as_ref().map(at),
                in_session: *in_session,
                ..reserva.facts
            };
            let row = &rows[index];
            assert_eq!(facts.at(now()).state, reserva.facts.state, "{row:?} after {after}");
            let recorded = facts.held_until().map(Moment::as_millis);
            assert_eq!(held_until[index], recorded, "{row:?}");
            // The listing is kept while it is true, so this checks until when it was.
            let free = !facts.holds_at(now());
            assert_eq!(listing.postos[index].disponivel, free, "{row:?} after {after}");
            assert_eq!(store.disponivel(reserva.id).await, free, "{row:?} after {after}");
        }
    }
}

#[test]
fn sql_and_the_domain_say_the_same_of_every_reserva_at_every_moment() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let config = ProptestConfig { cases: 12, ..ProptestConfig::default() };
    let rows = proptest::collection::vec(recorded(), 1..20);
    let compared = TestRunner::new(config).run(&rows, |rows| {
        runtime.block_on(compare(&rows));
        Ok(())
    });
    compared.expect("they say the same");
}

#[tokio::test]
async fn an_absence_frees_the_posto_at_its_instant_whether_or_not_it_is_recorded() {
    let mut store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    store.told();
    set_now(START + 15 * MINUTE - 1);
    assert!(!store.disponivel(1).await);
    assert!(!store.store.listing().await.expect("a listing").postos[0].disponivel);
    let held = Rejection::PostoReservado { nome: "Ponto 1".to_owned() };
    assert_eq!(rejected(store.reserve("r2", "BBB2222", 1).await), held);
    set_now(START + 15 * MINUTE);
    assert!(store.disponivel(1).await, "no sweep has run");
    assert!(store.store.listing().await.expect("a listing").postos[0].disponivel);
    let absent = store.facts("r1").await;
    assert_eq!(absent.state, ReservaState::NaoCompareceu);
    assert_eq!((absent.motivo, absent.versao), (Some(Motivo::Ausencia), 2));
    assert_eq!(absent.desde.as_millis(), START + 15 * MINUTE);
    assert_eq!(rejected(store.cancel("r1").await), Rejection::ReservaEncerrada);
    // Not recorded yet, so a clock that is set back undoes it.
    set_now(START + MINUTE);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    set_now(START + 16 * MINUTE);
    store.reserve("r3", "BBB2222", 1).await.expect("free for the next caller at once");
    assert_eq!(store.facts("r1").await, absent, "recorded as it was shown");
    let told = [(1, ReservaState::NaoCompareceu, Some(2)), (2, ReservaState::Ativa, None)];
    assert_eq!(store.told(), told);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.told(), [], "it is told once");
    set_now(START + MINUTE);
    assert_eq!(store.facts("r1").await, absent, "what is recorded is final");
    let first = store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("the first answer again");
    assert_eq!((first.reserva.facts.state, first.reserva.facts.versao), (ReservaState::Ativa, 1));
}

#[tokio::test]
async fn the_sweep_records_absences_and_ends_once() {
    let mut store = TestStore::with_rules(2, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    store.store.execute(reservation("r2", "BBB2222", 2, Some((0, 1)))).await.expect("free");
    store.reports_charging("BBB2222").await;
    store.told();
    set_now(START + 2 * HOUR);
    let shown = (store.facts("r1").await, store.facts("r2").await);
    store.store.sweep().await.expect("a sweep");
    let told = [(1, ReservaState::NaoCompareceu, Some(2)), (2, ReservaState::Encerrada, Some(2))];
    assert_eq!(store.told(), told);
    assert_eq!((store.facts("r1").await, store.facts("r2").await), shown, "as they were shown");
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.told(), []);
    set_now(START + MINUTE);
    let back = (store.facts("r1").await.state, store.facts("r2").await.state);
    assert_eq!(back, (ReservaState::NaoCompareceu, ReservaState::Ativa));
}

#[tokio::test]
async fn the_tolerance_of_a_reserva_is_that_of_when_it_was_made() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "AAA1111", (0, 1)).await.expect("free");
    let store = store.reopen_with(patient()).await;
    store.reserve_at("r2", "BBB2222", (1, 2)).await.expect("free");
    let store = store.reopen().await;
    set_now(START + 30 * MINUTE);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    set_now(START + HOUR + 15 * MINUTE);
    assert_eq!(store.facts("r2").await.state, ReservaState::NaoCompareceu);
}

#[tokio::test]
async fn no_carro_is_absent_while_something_keeps_it_away() {
    let after = |minutes: i64| set_now(START + minutes * MINUTE);
    let due = |facts: ReservaFacts| facts.falta_em.map(|due| (due.as_millis() - START) / MINUTE);
    // Out of service from before its begin until 20 minutes after.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    assert_eq!(due(store.facts("r1").await), Some(15));
    store.charger_says(false).await;
    assert_eq!(due(store.facts("r1").await), None);
    after(20);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), Some(35));
    // Again, and then only what is left of the reserva.
    after(30);
    store.charger_says(false).await;
    after(104);
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), Some(119));
    store.charger_says(false).await;
    after(105);
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), Some(120), "it ends at the same time");
    for is_recorded in [false, true] {
        after(120 + i64::from(is_recorded));
        let ended = store.facts("r1").await;
        assert_eq!((ended.state, due(ended)), (ReservaState::Encerrada, None), "{is_recorded}");
        store.store.sweep().await.expect("a sweep");
    }
    // What is due is due, whatever happens after.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    after(15);
    store.charger_says(false).await;
    assert_eq!(store.facts("r1").await.state, ReservaState::NaoCompareceu);
    // Another carro charges there.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    let session = store.charges(placa("BBB2222")).await;
    assert_eq!(due(store.facts("r1").await), None);
    store.reserve_at("r2", "CCC3333", (2, 4)).await.expect("free then");
    assert_eq!(due(store.facts("r2").await), None, "it may still charge then");
    after(40);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    store.leaves(session).await;
    assert_eq!(due(store.facts("r1").await), Some(55));
    assert_eq!(due(store.facts("r2").await), Some(135));
    // The carro reports that it charges: only after the begin it has come.
    set_now(START - HOUR);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    store.reports_charging("AAA1111").await;
    assert_eq!(due(store.facts("r1").await), Some(15));
    after(14);
    store.reports_charging("AAA1111").await;
    store.charger_says(false).await;
    store.charger_says(true).await;
    assert_eq!(due(store.facts("r1").await), None);
    after(119);
    assert_eq!(store.facts("r1").await.state, ReservaState::Ativa);
    // Too late.
    set_now(START);
    let store = TestStore::with_rules(1, patient()).await;
    store.reserve_at("r1", "AAA1111", (0, 2)).await.expect("free");
    after(15);
    store.reports_charging("AAA1111").await;
    assert_eq!(store.facts("r1").await.state, ReservaState::NaoCompareceu);
}

#[tokio::test]
async fn the_tolerance_does_not_run_while_the_servidor_does_not() {
    let store = TestStore::with_rules(3, patient()).await;
    store.reserve("due", "AAA1111", 1).await.expect("free");
    set_now(START + 14 * MINUTE);
    store.reserve("began", "BBB2222", 2).await.expect("free");
    set_now(START + 20 * MINUTE);
    let later = reservation("later", "CCC3333", 3, Some((2, 4)));
    store.store.execute(later).await.expect("free");
    // The sweep has not run since one was due; nothing was written after 20 minutes.
    set_now(START + HOUR);
    let store = store.reopen_with(patient()).await;
    assert_eq!(store.facts("due").await.state, ReservaState::NaoCompareceu);
    let due = async |request_id| {
        let due = store.facts(request_id).await.falta_em.expect("it waits");
        (due.as_millis() - START) / MINUTE
    };
    assert_eq!((due("began").await, due("later").await), (75, 135));
    set_now(START + 74 * MINUTE);
    assert_eq!(store.facts("began").await.state, ReservaState::Ativa);
}

#[tokio::test]
async fn a_carro_has_as_many_reservas_as_the_rule_says() {
    let store = TestStore::new(4).await;
    let reserve =
        async |request_id: &str, posto_id| store.reserve(request_id, "ABC1234", posto_id).await;
    for posto_id in 1..=3 {
        reserve(&format!("r{posto_id}"), posto_id).await.expect("it may");
    }
    let limit = Rejection::LimiteDeReservas { limite: 3 };
    assert_eq!(rejected(reserve("r4", 4).await), limit);
    // Other refusals come first.
    let own = Rejection::PostoJaReservadoParaEsteCarro { nome: "Ponto 1".to_owned() };
    assert_eq!(rejected(reserve("r5", 1).await), own);
    store.reserve("other", "XYZ9876", 4).await.expect("another carro may");
    store.cancel("other").await.expect("it is active");
    store.cancel("r1").await.expect("it is active");
    reserve("r6", 4).await.expect("it has two");
    assert_eq!(rejected(reserve("r4", 4).await), limit, "a repeat gets its first answer");
    // Ends count by the clock.
    set_now(START + 24 * HOUR);
    reserve("r7", 1).await.expect("all others have ended");
    set_now(START + 23 * HOUR);
    let later = reservation("r8", "ABC1234", 2, Some((30, 31)));
    let refused = rejected(store.store.execute(later).await);
    assert_eq!(refused, limit, "the clock was set back");
    let rules = Rules { por_carro: 0, ..Rules::default() };
    let store = store.reopen_with(rules).await;
    assert_eq!(rejected(store.reserve("r4", "ABC1234", 4).await), limit, "after the rule changed");
    set_now(START + 48 * HOUR);
    for posto_id in 1..=4 {
        store.reserve(&format!("s{posto_id}"), "ABC1234", posto_id).await.expect("no limit");
    }
}

#[tokio::test]
async fn a_carro_that_overstays_still_has_its_reserva() {
    let rules = Rules { por_carro: 1, ..Rules::default() };
    let store = TestStore::with_rules(2, rules).await;
    store.reserve_at("r1", "ABC1234", (0, 1)).await.expect("free");
    let id = store.charges(placa("ABC1234")).await;
    let limit = Rejection::LimiteDeReservas { limite: 1 };
    assert_eq!(rejected(store.reserve("r2", "ABC1234", 2).await), limit);
    set_now(START + 2 * HOUR);
    assert_eq!(rejected(store.reserve("r3", "ABC1234", 2).await), limit, "it charges");
    assert_eq!(rejected(store.cancel("r1").await), Rejection::ReservaEmUso);
    store.leaves(id).await;
    store.reserve("r4", "ABC1234", 2).await.expect("it has left");
}

#[tokio::test]
async fn a_refusal_by_a_rule_is_repeated_with_the_value_that_it_had() {
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    let rules = Rules { maxima: days(2), antecedencia: days(7), ..Rules::default() };
    let store = TestStore::with_rules(1, rules).await;
    let sentences = [
        ("r1", (0, 49), "fim deve ser no máximo 2 dias depois de inicio."),
        ("r2", (24 * 8, 24 * 8 + 1), "inicio deve ser no máximo 7 dias depois de agora."),
    ];
    let check = async |store: &TestStore| {
        for (request_id, hours, sentence) in sentences {
            let refused = rejected(store.reserve_at(request_id, "ABC1234", hours).await);
            let expected = format!("A requisição tem campos inválidos: {sentence}");
            assert_eq!(refused.to_string(), expected);
        }
    };
    check(&store).await;
    let store = store.reopen().await;
    check(&store).await;
    store.reserve_at("r3", "ABC1234", (0, 49)).await.expect("the default rule allows it");
}

#[tokio::test]
async fn a_first_answer_stays_what_was_said() {
    let store = TestStore::new(2).await;
    let first = store.reserve_at("r1", "ABC1234", (0, 4)).await.expect("free");
    let estimate = first.estimativa.expect("an estimate");
    assert_eq!((estimate.energia_kwh(), estimate.custo()), (22.2, 55.5));
    // As those leave it that change, move and end a reserva.
    for change in [
        "UPDATE postos SET nome = 'Outro', preco_kwh = 9 WHERE id = 1",
        "UPDATE reservas SET fim = fim - 60000, versao = 2 WHERE id = 1",
        "UPDATE reservas SET posto_id = 2, preco_kwh = 3, versao = 3 WHERE id = 1",
        "UPDATE reservas SET status = 'cumprida', livre_desde = inicio + 1, versao = 4 WHERE id = 1",
    ] {
        store.execute_sql(change);
        let again = store.reserve_at("r1", "ABC1234", (0, 4)).await.expect("the first answer");
        assert_eq!(again, first, "{change}");
    }
    let outcome = store.store.request_outcome("r1", None, now()).await.expect("a read");
    let outcome = outcome.expect("it was decided");
    assert_eq!(outcome.decision, Ok(first));
    let current = outcome.current.expect("a reserva");
    assert_eq!((current.reserva.posto_id, current.nome.as_str()), (2, "Ponto 2"));
    let facts = current.reserva.facts;
    assert_eq!((facts.state, facts.versao), (ReservaState::Cumprida, 4));
    assert_eq!(facts.preco_kwh.get(), 3.0);
    assert_eq!(facts.interval.fim().as_millis(), START + 4 * HOUR - 60_000);
}

#[tokio::test]
async fn the_schema_itself_refuses_an_overlap_of_what_is_held() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "ABC1234", (0, 4)).await.expect("free");
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let insert = |from: i64, to: i64| {
        let sql = "INSERT INTO reservas (posto_id, inicio, fim, status, created_at, updated_at)
                   VALUES (1, ?1, ?2, 'ativa', 0, 0)";
        file.execute(sql, [START + from * HOUR, START + to * HOUR])
    };
    let set =
        |values: &str| file.execute(&format!("UPDATE reservas SET {values} WHERE id = 1"), []);
    insert(2, 3).expect_err("it is held");
    set(&format!("status = 'cumprida', livre_desde = {}", START + 2 * HOUR)).expect("it ends");
    insert(2, 3).expect("it is free");
    set("livre_desde = NULL").expect_err("it is taken");
    set("status = 'nao_compareceu', livre_desde = NULL").expect("it holds nothing");
    insert(0, 2).expect("all of it is free");
    set("status = 'ativa'").expect_err("it is taken");
    let open =
        "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh) VALUES (?1, 'A', 0, 1)";
    file.execute("INSERT INTO postos SELECT 2, nome, localizacao, 1, 'CCS', 1, 1, 0, NULL, NULL, NULL, NULL FROM postos", []).expect("a posto");
    file.execute(open, [1]).expect("a session");
    file.execute(open, [2]).expect_err("the carro charges already");
}
