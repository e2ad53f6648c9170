//! Changes of reservas: wholly or not at all, each with its own stored answer.

use std::time::Duration;

use domain::{IntervalError, Moment, Rejection, ReservaChange, ReservaFacts, ReservaState, Rules};
use server::store::{Change, ChangeReserva, RequestKey, RequestOutcome, Reserved, WriteError};
use tokio::time::Instant;

use crate::store::reserva_support::{MINUTE, rejected};
use crate::support::{HOUR, START, TestStore, now, reservation, set_now, soon};

/// Of the reserva `r1`; the fingerprint follows from what is asked, as a handler computes it.
pub(crate) fn command(request_id: &str, change: ReservaChange) -> ChangeReserva {
    let mut fingerprint = [0; 16];
    let content = format!("{change:?}");
    for (index, byte) in content.bytes().enumerate() {
        fingerprint[index % 16] ^= byte.rotate_left(u32::try_from(index / 16 % 8).unwrap_or(0));
    }
    ChangeReserva {
        key: RequestKey { request_id: request_id.to_owned(), fingerprint, app: None },
        reserva_request_id: "r1".to_owned(),
        change,
        deadline: soon(),
    }
}

/// To this posto, and times in minutes after [`START`].
pub(crate) fn to(posto_id: Option<i64>, inicio: Option<i64>, fim: Option<i64>) -> ReservaChange {
    let moment = |minutes: i64| Moment::from_millis(START + minutes * MINUTE);
    ReservaChange { posto_id, inicio: inicio.map(moment), fim: fim.map(moment) }
}

pub(crate) async fn change(
    store: &TestStore,
    request_id: &str,
    change: ReservaChange,
) -> Result<Reserved, WriteError> {
    store.store.execute(command(request_id, change)).await
}

pub(crate) async fn outcome(store: &TestStore, request_id: &str) -> RequestOutcome {
    let outcome = store.store.request_outcome(request_id, None, now()).await.expect("a read");
    outcome.expect("it was decided")
}

/// The posto of a reserva, and what it is now.
pub(crate) async fn current(store: &TestStore, request_id: &str) -> (i64, ReservaFacts) {
    let reserva = outcome(store, request_id).await.current.expect("a reserva").reserva;
    (reserva.posto_id, reserva.facts)
}

/// Begin and end, in minutes after [`START`].
pub(crate) fn minutes(facts: &ReservaFacts) -> (i64, i64) {
    let after = |moment: Moment| (moment.as_millis() - START) / MINUTE;
    (after(facts.interval.inicio()), after(facts.interval.fim()))
}

pub(crate) fn sql(store: &TestStore, sql: &str) {
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    file.execute_batch(sql).expect(sql);
}

/// Every byte that the database has of reservas and changes.
pub(crate) fn dump(store: &TestStore) -> Vec<String> {
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let mut rows = Vec::new();
    for table in ["reservas", "alteracoes"] {
        let mut statement = file.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns = statement.column_count();
        let mut found = statement.query([]).expect("rows");
        while let Some(row) = found.next().expect("a row") {
            let values = (0..columns).map(|index| format!("{:?}", row.get_ref(index)));
            rows.push(values.collect::<Vec<_>>().join(","));
        }
    }
    rows
}

#[tokio::test]
async fn a_change_is_whole_and_its_repeat_gets_its_own_first_answer() {
    let mut store = TestStore::new(3).await;
    sql(&store, "UPDATE postos SET preco_kwh = 3, potencia_maxima = 11 WHERE id = 2");
    // With more digits than SQLite writes by itself.
    sql(&store, "UPDATE postos SET preco_kwh = 0.9790000000000001 WHERE id = 1");
    let first = store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    while store.changes.try_recv().is_ok() {}
    let moved = change(&store, "c1", to(Some(2), None, Some(300))).await.expect("free");
    assert_eq!((moved.reserva.posto_id, moved.nome.as_str()), (2, "Ponto 2"));
    assert_eq!(minutes(&moved.reserva.facts), (60, 300));
    assert_eq!((moved.reserva.facts.versao, moved.reserva.facts.preco_kwh.get()), (2, 3.0));
    let estimate = moved.estimativa.expect("an estimate");
    let found = (estimate.energia_kwh(), estimate.minutos, estimate.custo.brl());
    assert_eq!(found, (22.2, Some(122), 66.6), "power and price of the other posto");
    assert_eq!(estimate.autonomia_km(), 117.4);
    // Told once, and to the client that made it.
    let published: Vec<Change> =
        std::iter::from_fn(|| store.changes.try_recv().ok()).flatten().collect();
    let reserva = current(&store, "r1").await;
    assert_eq!(reserva.1.versao, 2);
    let [Change::Reserva { id: 1, posto_id: 2, for_client: Some((client_id, published)), .. }] =
        &published[..]
    else {
        panic!("{published:?}")
    };
    assert_eq!((client_id.as_str(), published.facts.versao), ("cliente1", 2));
    // The posto that it had is free, and the other is held.
    store.reserve_at("r2", "XYZ9876", (1, 3)).await.expect("free");
    let other = store.store.execute(reservation("r3", "QQQ0A00", 2, Some((4, 5)))).await;
    assert_eq!(rejected(other), Rejection::PostoReservado { nome: "Ponto 2".to_owned() });
    // A second change, and the first answers of all three.
    let shorter = change(&store, "c2", to(None, None, Some(200))).await.expect("shorter");
    assert_eq!((shorter.reserva.facts.versao, shorter.reserva.facts.preco_kwh.get()), (3, 3.0));
    sql(&store, "UPDATE postos SET nome = 'Outro', preco_kwh = 9, potencia_maxima = 1");
    store.cancel("r1").await.expect("it is active");
    let store = store.reopen().await;
    let again = change(&store, "c1", to(Some(2), None, Some(300))).await;
    assert_eq!(again, Ok(moved.clone()), "the first answer of that change");
    assert_eq!(change(&store, "c2", to(None, None, Some(200))).await, Ok(shorter));
    assert_eq!(store.reserve_at("r1", "ABC1234", (1, 3)).await, Ok(first));
    // What became of a change is asked by its own request.
    let asked = store.store.change_outcome("c1", None, now()).await.expect("a read");
    let asked = asked.expect("it was decided");
    assert_eq!(asked.decision, Ok(moved));
    let reserva = asked.current.expect("a reserva").reserva;
    assert_eq!((reserva.facts.state, reserva.facts.versao), (ReservaState::Cancelada, 4));
    assert!(store.store.change_outcome("c9", None, now()).await.expect("a read").is_none());
    // While nothing can be written, a reader gives the same answers.
    let repeat = async |asked: ReservaChange| {
        let key = command("c1", asked).key;
        store.store.first_answer_to_change(&key, "r1", now()).await
    };
    let again = repeat(to(Some(2), None, Some(300))).await.expect("a read");
    assert_eq!(again, Some(asked.decision));
    let other = repeat(to(Some(3), None, None)).await.expect("a read");
    assert_eq!(other, Some(Err(Rejection::ChaveReutilizada)));
}

#[tokio::test]
async fn a_refused_change_changes_nothing_and_is_refused_again() {
    let store = TestStore::new(3).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    store.store.execute(reservation("r2", "XYZ9876", 2, Some((2, 5)))).await.expect("free");
    store.store.execute(reservation("r3", "XYZ9876", 1, Some((4, 5)))).await.expect("free");
    store.store.execute(reservation("r4", "ABC1234", 3, Some((0, 1)))).await.expect("free");
    let before = current(&store, "r1").await;
    let reserved = |posto| Rejection::PostoReservado { nome: format!("Ponto {posto}") };
    let (maxima, antecedencia) = (Rules::default().maxima, Rules::default().antecedencia);
    let too_long = IntervalError::TooLong { maxima };
    let too_far = IntervalError::TooFarAhead { antecedencia };
    let cases = [
        (to(Some(2), None, None), reserved(2)),
        (to(None, None, Some(241)), reserved(1)),
        (
            to(Some(3), Some(30), None),
            Rejection::PostoJaReservadoParaEsteCarro { nome: "Ponto 3".to_owned() },
        ),
        (
            to(Some(9), None, None),
            Rejection::PostoInexistente { posto_id: 9, server_id: "server1".to_owned() },
        ),
        (to(None, None, Some(60)), Rejection::Interval(vec![IntervalError::FimNotAfterInicio])),
        (to(None, Some(180), None), Rejection::Interval(vec![IntervalError::InicioNotBeforeFim])),
        (to(None, Some(-60), None), Rejection::Interval(vec![IntervalError::InicioInPast])),
        (to(None, None, Some(60 + 31 * 24 * 60 + 1)), Rejection::Interval(vec![too_long])),
        (
            to(None, Some(-120), Some(-60)),
            Rejection::Interval(vec![IntervalError::InicioInPast, IntervalError::FimInPast]),
        ),
        (to(None, Some(144_000), Some(201_600)), Rejection::Interval(vec![too_far, too_long])),
    ];
    for (number, (asked, expected)) in cases.iter().enumerate() {
        let refused = rejected(change(&store, &format!("c{number}"), *asked).await);
        assert_eq!(&refused, expected);
        assert_eq!(current(&store, "r1").await, before, "{expected}");
    }
    // What stood in the way goes away, and the first answers stay.
    store.cancel("r2").await.expect("it is active");
    store.cancel("r3").await.expect("it is active");
    store.cancel("r4").await.expect("it is active");
    let rules = Rules { maxima: Duration::from_secs(40 * 86_400), ..Rules::default() };
    let store = store.reopen_with(rules).await;
    for (number, (asked, expected)) in cases.iter().enumerate() {
        let request_id = format!("c{number}");
        assert_eq!(&rejected(change(&store, &request_id, *asked).await), expected, "a repeat");
        let asked = store.store.change_outcome(&request_id, None, now()).await.expect("a read");
        assert_eq!(asked.expect("it was decided").decision.as_ref(), Err(expected));
    }
    assert_eq!(current(&store, "r1").await, before);
    change(&store, "new", to(Some(2), None, None)).await.expect("a new request");
}

#[tokio::test]
async fn the_same_values_are_a_success_that_changes_nothing() {
    let mut store = TestStore::new(1).await;
    let made = store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    while store.changes.try_recv().is_ok() {}
    sql(&store, "UPDATE postos SET preco_kwh = 9, operador_em_manutencao = 1");
    let before = current(&store, "r1").await;
    let same = change(&store, "c1", to(Some(1), Some(60), Some(180))).await.expect("a success");
    assert_eq!(same, made);
    assert_eq!(current(&store, "r1").await, before);
    assert!(store.changes.try_recv().is_err(), "nothing is published");
    let again = change(&store, "c1", to(Some(1), Some(60), Some(180))).await;
    assert_eq!(again, Ok(same));
}

#[tokio::test]
async fn a_request_id_is_of_one_request() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    let refused = store.reserve_at("r2", "XYZ9876", (1, 3)).await;
    assert!(refused.is_err());
    let later = to(None, None, Some(240));
    change(&store, "c1", later).await.expect("free");
    let before = dump(&store);
    // Another change, another reserva, another app.
    assert_eq!(
        rejected(change(&store, "c1", to(None, None, Some(241))).await),
        Rejection::ChaveReutilizada
    );
    let mut other = command("c1", later);
    other.key.fingerprint = [7; 16];
    assert_eq!(rejected(store.store.execute(other).await), Rejection::ChaveReutilizada);
    let mut app = command("c1", later);
    app.key.app = Some("app1".to_owned());
    // A change of nobody's is everybody's, as reservas are: only what is asked is compared.
    assert!(store.store.execute(app).await.is_ok());
    // The other kind of request, accepted or refused.
    for used in ["r1", "r2"] {
        assert_eq!(rejected(change(&store, used, later).await), Rejection::ChaveReutilizada);
    }
    let reservation = store.store.execute(reservation("c1", "ABC1234", 2, Some((1, 3)))).await;
    assert_eq!(rejected(reservation), Rejection::ChaveReutilizada);
    assert_eq!(dump(&store), before);
}

#[tokio::test]
async fn a_reserva_of_another_app_or_none_is_not_changed() {
    let store = TestStore::new(2).await;
    let mut owned = reservation("r1", "ABC1234", 1, Some((1, 3)));
    owned.key.app = Some("app1".to_owned());
    store.store.execute(owned).await.expect("free");
    let inexistente = |reserva: &str| Rejection::ReservaInexistente {
        reserva: reserva.to_owned(),
        server_id: "server1".to_owned(),
    };
    let longer = to(None, None, Some(240));
    let by = |request_id: &str, app: Option<&str>| {
        let mut asked = command(request_id, longer);
        asked.key.app = app.map(str::to_owned);
        asked
    };
    for (number, app) in [None, Some("app2")].into_iter().enumerate() {
        let request_id = format!("c{number}");
        for _ in 0..2 {
            let refused = store.store.execute(by(&request_id, app)).await;
            assert_eq!(rejected(refused), inexistente("r1"));
        }
    }
    let never = ChangeReserva { reserva_request_id: "r9".to_owned(), ..by("c3", None) };
    assert_eq!(rejected(store.store.execute(never).await), inexistente("r9"));
    store.store.execute(by("c4", Some("app1"))).await.expect("it is its own");
    let seen = async |app| {
        let seen = store.store.change_outcome("c4", app, now()).await.expect("a read");
        seen.is_some()
    };
    assert!(seen(Some("app1")).await && !seen(Some("app2")).await && !seen(None).await);
    // What names no reserva is kept as long as a refusal.
    set_now(START + 31 * 24 * HOUR);
    store.store.sweep().await.expect("a sweep");
    let left = dump(&store).iter().filter(|row| row.contains("reserva_inexistente")).count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_change_after_its_time_limit_is_not_made() {
    let store = TestStore::new(1).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    let before = dump(&store);
    let late = ChangeReserva {
        deadline: Instant::now() - Duration::from_millis(1),
        ..command("c1", to(None, None, Some(240)))
    };
    assert_eq!(store.store.execute(late.clone()).await.expect_err("late"), WriteError::Expired);
    assert_eq!(dump(&store), before);
    let made = change(&store, "c1", to(None, None, Some(240))).await.expect("in time");
    assert_eq!(store.store.execute(late).await, Ok(made), "a late repeat is answered");
}
