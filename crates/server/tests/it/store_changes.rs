//! Changes of reservas: wholly or not at all, each with its own stored answer.

use std::time::Duration;

use domain::{IntervalError, Moment, Rejection, ReservaChange, ReservaFacts, ReservaState, Rules};
use server::store::{
    Change, ChangeReserva, ForgetCarro, RequestOutcome, ReservasQuery, Reserved, StartCarregamento,
    WriteError,
};
use tokio::time::Instant;

use crate::support::{HOUR, START, TestStore, now, placa, reservation, set_now, soon};

const MINUTE: i64 = 60_000;

/// Of the reserva `r1`; the fingerprint follows from what is asked, as a handler computes it.
fn command(request_id: &str, change: ReservaChange) -> ChangeReserva {
    let mut fingerprint = [0; 16];
    let content = format!("{change:?}");
    for (index, byte) in content.bytes().enumerate() {
        fingerprint[index % 16] ^= byte.rotate_left(u32::try_from(index / 16 % 8).unwrap_or(0));
    }
    ChangeReserva {
        request_id: request_id.to_owned(),
        fingerprint,
        reserva_request_id: "r1".to_owned(),
        change,
        app: None,
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

fn rejected<T: std::fmt::Debug>(outcome: Result<T, WriteError>) -> Rejection {
    match outcome {
        Err(WriteError::Rejected(rejection)) => rejection,
        other => panic!("not a refusal: {other:?}"),
    }
}

async fn outcome(store: &TestStore, request_id: &str) -> RequestOutcome {
    let outcome = store.store.request_outcome(request_id, None, now()).await.expect("a read");
    outcome.expect("it was decided")
}

/// The posto of a reserva, and what it is now.
async fn current(store: &TestStore, request_id: &str) -> (i64, ReservaFacts) {
    let reserva = outcome(store, request_id).await.current.expect("a reserva").reserva;
    (reserva.posto_id, reserva.facts)
}

/// Begin and end, in minutes after [`START`].
fn minutes(facts: &ReservaFacts) -> (i64, i64) {
    let after = |moment: Moment| (moment.as_millis() - START) / MINUTE;
    (after(facts.interval.inicio()), after(facts.interval.fim()))
}

fn sql(store: &TestStore, sql: &str) {
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    file.execute_batch(sql).expect(sql);
}

/// Every byte that the database has of reservas and changes.
fn dump(store: &TestStore) -> Vec<String> {
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
    let first = store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    while store.changes.try_recv().is_ok() {}
    let moved = change(&store, "c1", to(Some(2), None, Some(300))).await.expect("free");
    assert_eq!((moved.reserva.posto_id, moved.nome.as_str()), (2, "Ponto 2"));
    assert_eq!(minutes(&moved.reserva.facts), (60, 300));
    assert_eq!((moved.reserva.facts.versao, moved.reserva.facts.preco_kwh.get()), (2, 3.0));
    let estimate = moved.estimativa.expect("an estimate");
    let found = (estimate.energia_kwh(), estimate.minutos, estimate.custo());
    assert_eq!(found, (22.2, Some(122), 66.6), "power and price of the other posto");
    assert_eq!(estimate.autonomia_km(), 117.4);
    // Told once, and to the client that made it.
    let told: Vec<Change> =
        std::iter::from_fn(|| store.changes.try_recv().ok()).flatten().collect();
    let reserva = current(&store, "r1").await;
    assert_eq!(reserva.1.versao, 2);
    let [Change::Reserva { id: 1, posto_id: 2, told: Some((client_id, told)), .. }] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((client_id.as_str(), told.facts.versao), ("cliente1", 2));
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
    let repeat = |asked: ReservaChange| {
        let ChangeReserva { fingerprint, .. } = command("c1", asked);
        store.store.first_answer_to_change("c1", fingerprint, None, "r1", now())
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
        (to(None, None, Some(60)), Rejection::Interval(IntervalError::FimNotAfterInicio)),
        (to(None, Some(180), None), Rejection::Interval(IntervalError::InicioNotBeforeFim)),
        (to(None, Some(-60), None), Rejection::Interval(IntervalError::InicioInPast)),
        (
            to(None, None, Some(60 + 31 * 24 * 60 + 1)),
            Rejection::Interval(IntervalError::TooLong { maxima: Rules::default().maxima }),
        ),
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
    assert!(store.changes.try_recv().is_err(), "nobody is told");
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
    let other = ChangeReserva { fingerprint: [7; 16], ..command("c1", later) };
    assert_eq!(rejected(store.store.execute(other).await), Rejection::ChaveReutilizada);
    let app = ChangeReserva { app: Some("app1".to_owned()), ..command("c1", later) };
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
    owned.app = Some("app1".to_owned());
    store.store.execute(owned).await.expect("free");
    let inexistente = |reserva: &str| Rejection::ReservaInexistente {
        reserva: reserva.to_owned(),
        server_id: "server1".to_owned(),
    };
    let longer = to(None, None, Some(240));
    let by = |request_id: &str, app: Option<&str>| ChangeReserva {
        app: app.map(str::to_owned),
        ..command(request_id, longer)
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

#[tokio::test]
async fn what_has_ended_stays_and_of_what_is_charged_only_the_end_moves() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    set_now(START + HOUR);
    sql(&store, "UPDATE reservas SET status = 'cumprida', versao = 2");
    assert_eq!(
        rejected(change(&store, "c1", to(Some(2), None, None)).await),
        Rejection::ReservaEmUso
    );
    let shorter = change(&store, "c2", to(None, Some(0), Some(90))).await.expect("its end");
    assert_eq!(
        (shorter.reserva.facts.state, shorter.reserva.facts.versao),
        (ReservaState::Cumprida, 3)
    );
    let past = Rejection::Interval(IntervalError::FimInPast);
    assert_eq!(rejected(change(&store, "c3", to(None, None, Some(59))).await), past);
    let again = change(&store, "c2", to(None, Some(0), Some(90))).await;
    assert_eq!(again, Ok(shorter), "state and all");
    set_now(START + 90 * MINUTE);
    let over = rejected(change(&store, "c4", to(None, None, Some(120))).await);
    assert_eq!(over, Rejection::ReservaEncerrada);
    // Cancelled in between.
    store.store.execute(reservation("r2", "XYZ9876", 2, Some((3, 5)))).await.expect("free");
    store.cancel("r2").await.expect("it is active");
    let cancelled = ChangeReserva {
        reserva_request_id: "r2".to_owned(),
        ..command("c5", to(Some(1), None, None))
    };
    assert_eq!(rejected(store.store.execute(cancelled).await), Rejection::ReservaEncerrada);
}

#[tokio::test]
async fn a_begun_reserva_keeps_its_begin_and_both_postos_are_told() {
    let mut store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    // Who held the other posto until then is not in the way.
    store.store.execute(reservation("past", "QQQ0A00", 2, Some((0, 1)))).await.expect("free");
    let moving = to(Some(2), None, None);
    let held = Rejection::PostoReservado { nome: "Ponto 2".to_owned() };
    assert_eq!(rejected(change(&store, "c0", moving).await), held);
    set_now(START + HOUR);
    while store.changes.try_recv().is_ok() {}
    let begun = Rejection::Interval(IntervalError::InicioBegun);
    assert_eq!(rejected(change(&store, "c1", to(None, Some(70), None)).await), begun);
    assert!(store.disponivel(2).await && !store.disponivel(1).await);
    let moved = change(&store, "c2", moving).await.expect("free");
    assert_eq!(minutes(&moved.reserva.facts), (0, 180));
    assert!(store.disponivel(1).await && !store.disponivel(2).await);
    let told: Vec<Change> =
        std::iter::from_fn(|| store.changes.try_recv().ok()).flatten().collect();
    for posto_id in [1, 2] {
        assert!(told.contains(&Change::Posto(posto_id)), "{told:?}");
    }
    // One that is brought forward begins now.
    store.store.execute(reservation("r2", "XYZ9876", 1, Some((5, 6)))).await.expect("free");
    let earlier = ChangeReserva {
        reserva_request_id: "r2".to_owned(),
        ..command("c3", to(None, Some(58), None))
    };
    let earlier = store.store.execute(earlier).await.expect("free");
    assert_eq!(minutes(&earlier.reserva.facts), (60, 360));
    assert!(!store.disponivel(1).await);
    // It may stay longer there, and come back.
    change(&store, "c4", to(None, None, Some(200))).await.expect("free");
    store.cancel("r2").await.expect("it is active");
    change(&store, "c5", to(Some(1), None, None)).await.expect("free");
    assert_eq!(minutes(&current(&store, "r1").await.1), (0, 200));
    assert!(store.disponivel(2).await && !store.disponivel(1).await);
}

#[tokio::test]
async fn a_session_that_is_open_where_a_reserva_comes_to_fulfils_it() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (0, 3)).await.expect("free");
    set_now(START + HOUR);
    sql(
        &store,
        "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh) VALUES (2, 'ABC1234', 0, 9);
         UPDATE postos SET preco_kwh = 3 WHERE id = 2",
    );
    let moved = change(&store, "c1", to(Some(2), None, None)).await.expect("free");
    let facts = moved.reserva.facts;
    assert_eq!((facts.state, facts.versao, facts.desde), (ReservaState::Cumprida, 2, now()));
    let (posto_id, since) = current(&store, "r1").await;
    assert_eq!((posto_id, since.posto_desde), (2, Some(now())));
    assert_eq!(ReservaFacts { posto_desde: None, ..since }, facts);
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let session = file.query_row("SELECT reserva_id, preco_kwh FROM carregamentos", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    assert_eq!(session, Ok((1, 3.0)));
    assert_eq!(change(&store, "c1", to(Some(2), None, None)).await, Ok(moved));
    // One that is brought forward to now, where its carro charges.
    let store = TestStore::new(1).await;
    let start = StartCarregamento { posto_id: 1, placa: placa("ABC1234") };
    store.store.execute(start).await.expect("it is free");
    store.reserve_at("r1", "ABC1234", (2, 3)).await.expect("free");
    assert_eq!(current(&store, "r1").await.1.state, ReservaState::Ativa);
    change(&store, "c1", to(None, Some(90), None)).await.expect("free");
    set_now(START + 80 * MINUTE);
    change(&store, "c2", to(None, Some(80), None)).await.expect("free");
    let facts = current(&store, "r1").await.1;
    assert_eq!((facts.state, facts.versao, facts.desde), (ReservaState::Cumprida, 3, now()));
}

#[tokio::test]
async fn a_changed_reserva_is_waited_for_from_its_new_begin() {
    let patient = Rules { tolerancia: Duration::from_secs(15 * 60), ..Rules::default() };
    let due = |facts: &ReservaFacts| facts.falta_em.map(|due| (due.as_millis() - START) / MINUTE);
    let store = TestStore::with_rules(2, patient).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(75));
    let answer = change(&store, "c1", to(None, Some(30), None)).await.expect("free");
    assert_eq!(answer.reserva.facts.falta_em, None, "an answer does not tell it");
    assert_eq!(due(&current(&store, "r1").await.1), Some(45));
    // Another end does not begin it anew, nor does a rule that was changed.
    set_now(START + 40 * MINUTE);
    let store = store.reopen().await;
    change(&store, "c2", to(None, None, Some(240))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55), "the servidor was started again");
    change(&store, "c3", to(None, None, Some(55))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55), "it ends at the same time");
    change(&store, "c4", to(None, None, Some(120))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55), "that time runs on");
    // Who does not come cannot hold a posto by changing the end again and again.
    set_now(START + 45 * MINUTE);
    change(&store, "c4-1", to(None, None, Some(55))).await.expect("free");
    change(&store, "c4-2", to(None, None, Some(120))).await.expect("free");
    assert_eq!(due(&current(&store, "r1").await.1), Some(55));
    // Nor by changing its posto again and again.
    set_now(START + 50 * MINUTE);
    for (request_id, posto_id) in [("c5-1", 2), ("c5-2", 1), ("c5-3", 2)] {
        change(&store, request_id, to(Some(posto_id), None, None)).await.expect("free");
        assert_eq!(due(&current(&store, "r1").await.1), Some(55));
    }
    // What is due is due, recorded or not.
    set_now(START + 55 * MINUTE);
    let refused = rejected(change(&store, "c6", to(None, None, Some(180))).await);
    assert_eq!(refused, Rejection::ReservaEncerrada);
    // And frees a posto for the change of another.
    set_now(START);
    let store = TestStore::with_rules(2, patient).await;
    store.store.execute(reservation("absent", "XYZ9876", 2, Some((0, 9)))).await.expect("free");
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    set_now(START + 15 * MINUTE);
    change(&store, "c1", to(Some(2), None, None)).await.expect("nobody came there");
    assert_eq!(current(&store, "absent").await.1.state, ReservaState::NaoCompareceu);
}

#[tokio::test]
async fn two_changes_at_once_are_made_one_after_the_other() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    store.store.execute(reservation("r2", "XYZ9876", 2, Some((1, 3)))).await.expect("free");
    // Neither can have the other's place: each is held until it holds another.
    let other = ChangeReserva {
        reserva_request_id: "r2".to_owned(),
        ..command("c2", to(Some(1), None, None))
    };
    let (one, two) =
        tokio::join!(change(&store, "c1", to(Some(2), None, None)), store.store.execute(other));
    assert!(one.is_err() && two.is_err(), "{one:?} {two:?}");
    let (one, two) = tokio::join!(
        change(&store, "c3", to(None, Some(30), None)),
        change(&store, "c4", to(None, None, Some(150))),
    );
    let (one, two) = (one.expect("free").reserva.facts, two.expect("free").reserva.facts);
    assert_eq!((one.versao, two.versao), (2, 3));
    assert_eq!(minutes(&current(&store, "r1").await.1), (30, 150), "both");
}

#[tokio::test]
async fn a_change_that_is_forgotten_is_not_made_again() {
    let store = TestStore::new(2).await;
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    change(&store, "change-ABC1234", to(Some(2), None, None)).await.expect("free");
    let refused = change(&store, "refused-ABC1234", to(Some(9), None, None)).await;
    assert!(refused.is_err());
    store.cancel("r1").await.expect("it is active");
    let placa = placa("ABC1234");
    let refusals = store.store.refusals_of(&placa).await.expect("a read");
    store.store.execute(ForgetCarro { placa, refusals }).await.expect("it holds nothing");
    assert_eq!(dump(&store).len(), 1, "a reserva without its carro");
    for (request_id, asked) in
        [("change-ABC1234", to(Some(2), None, None)), ("refused-ABC1234", to(Some(9), None, None))]
    {
        let inexistente = Rejection::ReservaInexistente {
            reserva: "r1".to_owned(),
            server_id: "server1".to_owned(),
        };
        assert_eq!(rejected(change(&store, request_id, asked).await), inexistente);
        let known = outcome(&store, request_id).await;
        assert!(known.decision.is_err() && known.current.is_none());
        // Nor is it a reservation.
        let reused = store.reserve(request_id, "XYZ9876", 2).await;
        assert!(matches!(rejected(reused), Rejection::ReservaInexistente { .. }));
    }
    let query = ReservasQuery { limit: 10, ..ReservasQuery::default() };
    assert_eq!(store.store.reservas(&query, now()).await.expect("a read").len(), 1);
}

#[tokio::test]
async fn an_estimate_says_what_a_reservation_would_be_answered_and_writes_nothing() {
    let store = TestStore::new(3).await;
    sql(&store, "UPDATE postos SET preco_kwh = 3, potencia_maxima = 0 WHERE id = 2");
    store.reserve_at("r1", "ABC1234", (1, 3)).await.expect("free");
    sql(&store, "UPDATE postos SET operador_em_manutencao = 1 WHERE id = 3");
    let before = dump(&store);
    let rules = Rules { por_carro: 1, ..Rules::default() };
    let estimate = async |plate: &str, posto_id, hours| {
        let asked = reservation("e1", plate, posto_id, hours).command;
        store.store.estimate(&asked, &rules, now()).await.expect("a read")
    };
    for (plate, posto_id, hours, free) in [
        ("XYZ9876", 1, Some((0, 1)), true),
        ("XYZ9876", 1, Some((2, 4)), false),
        ("XYZ9876", 1, None, false),
        ("XYZ9876", 1, Some((3, 4)), true),
        // Its own reserva is in the way too, and its limit is not about the posto.
        ("ABC1234", 1, Some((2, 4)), false),
        ("ABC1234", 2, None, true),
        ("XYZ9876", 3, None, false),
    ] {
        let estimated = estimate(plate, posto_id, hours).await.expect("an estimate");
        assert_eq!(estimated.disponivel, free, "{plate} at {posto_id}, {hours:?}");
    }
    let estimated = estimate("ABC1234", 2, None).await.expect("an estimate");
    let estimativa = estimated.estimativa;
    assert_eq!((estimated.nome.as_str(), estimativa.minutos), ("Ponto 2", None));
    assert_eq!((estimativa.energia_kwh(), estimativa.custo()), (22.2, 66.6));
    assert!(matches!(estimate("ABC1234", 9, None).await, Err(Rejection::PostoInexistente { .. })));
    let too_long = estimate("ABC1234", 1, Some((0, 32 * 24))).await;
    assert!(matches!(too_long, Err(Rejection::Interval(IntervalError::TooLong { .. }))));
    assert_eq!(dump(&store), before);
}
