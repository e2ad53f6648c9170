//! What ended long ago: when it is archived, and what it still answers.

use std::time::Duration;

use domain::{
    Correction, Moment, Rejection, ReportedSession, ReservaChange, ReservaState, Rules, millis,
};
use server::store::{
    Archivable, ArchiveEnded, CarregamentosQuery, ChangeReserva, CorrectCarregamento,
    DatabaseSummary, FinishCarregamento, ReportCarregamento, RequestKey, ReservasQuery,
    StartCarregamento, back_up, restore,
};

use crate::store::reserva_support::rejected;
use crate::support::{
    HOUR, START, TestStore, energy, jump_to, now, placa, reservation, set_now, soon,
};

/// Archives all that ended so long ago; how many rows.
pub(crate) async fn archive(store: &TestStore, age: Duration) -> usize {
    let (mut found, mut rows) = (Archivable::default(), 0);
    while !found.is_last() {
        let cutoff = now().plus_millis(-millis(age));
        found = store.store.archivable(cutoff, &found).await.expect("a read");
        let (reservas, carregamentos) = (found.reservas.clone(), found.carregamentos.clone());
        let command = ArchiveEnded { age, reservas, carregamentos };
        loop {
            let archived = store.store.execute(command.clone()).await.expect("it is archived");
            rows += archived.reservas + archived.carregamentos;
            if !archived.may_be_more {
                break;
            }
        }
    }
    rows
}

pub(crate) const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DAY: i64 = 24 * HOUR;

/// How many rows of a table are there.
fn count(store: &TestStore, table: &str) -> i64 {
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect(table)
}

async fn days_pass(store: &TestStore, days: i64) {
    jump_to(now().as_millis() + days * DAY);
    store.store.sweep().await.expect("a sweep");
}

/// What ends within two days is recorded then, and a month passes.
pub(crate) async fn a_month_later(store: &TestStore) {
    days_pass(store, 2).await;
    days_pass(store, 30).await;
}

#[tokio::test]
async fn what_ended_a_month_ago_is_archived_and_nothing_else() {
    let store = TestStore::new(3).await;
    store.reserve_at("ended", "ABC1234", (1, 2)).await.expect("it is free");
    store.reserve_at("cancelled", "ABC1234", (50 * 24, 50 * 24 + 1)).await.expect("it is free");
    store.cancel("cancelled").await.expect("it is cancelled");
    store.reserve_at("ahead", "XYZ9876", (40 * 24, 40 * 24 + 1)).await.expect("it is free");
    let charges = |plate: &str| StartCarregamento { posto_id: 3, placa: placa(plate) };
    store.reserve("charged", "BBB2222", 3).await.expect("it is free");
    let session = store.store.execute(charges("BBB2222")).await.expect("it may");
    days_pass(&store, 1).await;
    days_pass(&store, 29).await;
    assert_eq!(archive(&store, MONTH).await, 0, "it ended less than a month ago");
    assert_eq!(count(&store, "archived_reservas"), 0);
    days_pass(&store, 1).await;
    assert_eq!(archive(&store, MONTH).await, 1, "the end of that session is not known yet");
    let energy = energy(1.0);
    let finish = FinishCarregamento { posto_id: 3, id: session, energy, fim: None };
    store.store.execute(finish).await.expect("it ends");
    days_pass(&store, 31).await;
    assert_eq!(archive(&store, MONTH).await, 2, "a reserva and its session; one has an end ahead");
    let left = ["reservas", "archived_reservas", "archived_carregamentos"];
    assert_eq!(left.map(|table| count(&store, table)), [2, 2, 1]);
    days_pass(&store, 30).await;
    assert_eq!(archive(&store, MONTH).await, 2);
    assert_eq!(archive(&store, MONTH).await, 0, "nothing is archived twice");
    assert_eq!(left.map(|table| count(&store, table)), [0, 4, 1]);
}

fn change_key(request_id: &str) -> RequestKey {
    RequestKey { request_id: request_id.to_owned(), fingerprint: [1; 16], app: None }
}

#[tokio::test]
async fn a_request_has_one_effect_also_when_that_is_archived() {
    let store = TestStore::new(3).await;
    let made = store.reserve("made", "ABC1234", 1).await.expect("it is free");
    let change = |request_id: &str| ChangeReserva {
        key: change_key(request_id),
        reserva_request_id: "made".to_owned(),
        change: ReservaChange { posto_id: Some(2), ..ReservaChange::default() },
        deadline: soon(),
    };
    let changed = store.store.execute(change("change")).await.expect("it is free");
    a_month_later(&store).await;
    assert_eq!(archive(&store, MONTH).await, 1);
    assert_eq!(count(&store, "reservas") + count(&store, "alteracoes"), 0);

    assert_eq!(store.reserve("made", "ABC1234", 1).await, Ok(made), "the first answer again");
    assert_eq!(store.store.execute(change("change")).await, Ok(changed));
    let reused = [
        store.reserve("made", "XYZ9876", 1).await,
        store.reserve("change", "XYZ9876", 1).await,
        store.store.execute(change("made")).await,
    ];
    for answer in reused {
        assert_eq!(rejected(answer), Rejection::ChaveReutilizada);
    }
    assert_eq!(rejected(store.cancel("made").await), Rejection::ReservaEncerrada);
    let late = store.store.execute(change("late")).await;
    assert_eq!(rejected(late), Rejection::ReservaEncerrada);
    let repeated = store.store.execute(change("late")).await;
    assert_eq!(rejected(repeated), Rejection::ReservaEncerrada);
    assert_eq!(count(&store, "archived_alteracoes"), 2, "that refusal is kept with its reserva");
    assert_eq!(count(&store, "all_reservas"), 1, "nothing was made");
}

/// It said that what is archived has ended, so that is what it stays, and it holds nothing.
#[tokio::test]
async fn a_clock_that_is_set_back_takes_nothing_out_of_the_archive() {
    let store = TestStore::new(1).await;
    store.reserve_at("past", "ABC1234", (1, 24)).await.expect("it is free");
    a_month_later(&store).await;
    assert_eq!(archive(&store, MONTH).await, 1);
    jump_to(START + 2 * HOUR);
    assert_eq!(store.facts("past").await.state, ReservaState::Encerrada);
    let ended = ReservasQuery {
        status: Some(ReservaState::Encerrada),
        limit: 10,
        ..ReservasQuery::default()
    };
    assert_eq!(store.store.reservas(&ended, now()).await.expect("a read").len(), 1);
    assert_eq!(rejected(store.cancel("past").await), Rejection::ReservaEncerrada);
    assert!(store.disponivel(1).await, "it holds nothing");
    store.reserve_at("other", "XYZ9876", (3, 5)).await.expect("it is free");

    // A late report of it finds the posto held by another since, and holds nothing of it itself.
    days_pass(&store, 41).await;
    let session = ReportedSession {
        inicio: Moment::from_millis(START + 2 * HOUR),
        ended: Some((Moment::from_millis(START + 4 * HOUR), energy(1.0))),
    };
    let report = ReportCarregamento { posto_id: 1, placa: placa("ABC1234"), session };
    let reported = store.store.execute(report).await.expect("it has happened");
    assert_eq!(reported.conflitos, [2]);
    let facts = store.facts("past").await;
    assert_eq!((facts.state, facts.held()), (ReservaState::Cumprida, None));
}

#[tokio::test]
async fn ids_never_come_back_from_the_archive() {
    let mut store = TestStore::new(1).await;
    let reserve = async |store: &TestStore, request_id: &str| {
        // Each in an hour of its own.
        let from = (now().as_millis() - START) / HOUR + request_id.len() as i64;
        let made = store.reserve_at(request_id, "ABC1234", (from, from + 1)).await;
        made.expect("it is free").reserva.id
    };
    assert_eq!(reserve(&store, "first").await, 1);
    let backup = store.folder.path().join("backup.db");
    back_up(&store.path(), "server1", &backup, now()).expect("a backup");
    assert_eq!(reserve(&store, "lost").await, 2);
    a_month_later(&store).await;
    assert_eq!(archive(&store, MONTH).await, 2);
    store = store.reopen().await;
    assert_eq!(reserve(&store, "after the archive").await, 3, "no row is left that is newer");

    store.execute_sql("DELETE FROM reservas; DELETE FROM archived_reservas WHERE id = 2");
    store = store.reopen().await;
    assert_eq!(reserve(&store, "after rows were removed by hand").await, 4);
    a_month_later(&store).await;
    assert_eq!(archive(&store, MONTH).await, 1);

    let path = store.path();
    let folder = store.close().await;
    let restored = restore(&path, "server1", &folder.path().join("backup.db"), now(), None);
    assert_eq!(restored.expect("nothing runs").summary.reservas, 1);
    store = TestStore::open(folder).await;
    a_month_later(&store).await;
    assert_eq!(archive(&store, MONTH).await, 1, "what the backup has is old by now");
    assert_eq!(reserve(&store, "after a restore").await, 5);
    let counted = DatabaseSummary { reservas: 2, newest: Some(now()) };
    let copied = back_up(&store.path(), "server1", &store.folder.path().join("b.db"), now());
    assert_eq!(copied.expect("a backup").summary, counted, "the archive is counted");
}

/// Rows that leave give their pages to those that come.
#[tokio::test]
async fn the_file_grows_by_what_it_keeps() {
    let store = TestStore::with_rules(1, Rules { por_carro: 0, ..Rules::default() }).await;
    let mut sizes = Vec::new();
    for month in 0..8 {
        for n in 0..500 {
            let plate = format!("A{:06}", (n * 7919 + month * 17) % 1000);
            let begin = (now().as_millis() - START) / HOUR + 1 + n;
            let request_id =
                uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("{month} {n}").as_bytes())
                    .to_string();
            store.reserve_at(&request_id, &plate, (begin, begin + 1)).await.expect("it is free");
        }
        days_pass(&store, 22).await;
        days_pass(&store, 30).await;
        assert_eq!(archive(&store, MONTH).await, 500);
        // What is forgotten of the archive leaves pages too, and nothing fills them but the archive.
        store.execute_sql("DELETE FROM archived_reservas WHERE id % 2 = 0");
        sizes.push(pages(&store));
    }
    let growth: Vec<i64> = sizes.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (first, last) = (sizes[0], growth[growth.len() - 3..].iter().sum::<i64>() / 3);
    assert!(last < first / 2, "{sizes:?}: 250 rows that stay, in tables that had 500");
}

fn pages(store: &TestStore) -> i64 {
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    file.query_row("PRAGMA page_count", [], |row| row.get(0)).expect("a number")
}

/// Most reservas are found by an end not long after; this one lasted longer.
#[tokio::test]
async fn a_late_report_finds_a_long_reserva_in_the_archive() {
    let maxima = Duration::from_secs(60 * 24 * 60 * 60);
    let store = TestStore::with_rules(1, Rules { maxima, ..Rules::default() }).await;
    store.reserve_at("long", "ABC1234", (1, 50 * 24)).await.expect("it is free");
    days_pass(&store, 51).await;
    days_pass(&store, 30).await;
    assert_eq!(archive(&store, MONTH).await, 1);
    let report = async |plate: &str, hour: i64| {
        let moment = |hour: i64| Moment::from_millis(START + hour * HOUR);
        let session =
            ReportedSession { inicio: moment(hour), ended: Some((moment(hour + 1), energy(1.0))) };
        let report = ReportCarregamento { posto_id: 1, placa: placa(plate), session };
        store.store.execute(report).await.expect("it has happened").conflitos
    };
    assert_eq!(report("XYZ9876", 2).await, [1]);
    assert_eq!(report("ABC1234", 4).await, Vec::<i64>::new());
    assert_eq!(store.facts("long").await.state, ReservaState::Cumprida);
}

/// A refusal that goes to the archive is the last thing written, and what fell due before it is due.
#[tokio::test]
async fn a_start_knows_that_the_servidor_wrote_into_the_archive() {
    let tolerancia = Duration::from_secs(15 * 60);
    let rules = Rules { tolerancia, ..Rules::default() };
    let store = TestStore::with_rules(2, rules).await;
    store.reserve("past", "ABC1234", 1).await.expect("it is free");
    a_month_later(&store).await;
    assert_eq!(archive(&store, MONTH).await, 1);
    let begin = (now().as_millis() - START) / HOUR + 1;
    let late = reservation("late", "XYZ9876", 2, Some((begin, begin + 2)));
    store.store.execute(late).await.expect("it is free");
    let due = START + begin * HOUR + millis(tolerancia);
    set_now(due + 1);
    let change = ChangeReserva {
        key: change_key("change"),
        reserva_request_id: "past".to_owned(),
        change: ReservaChange { posto_id: Some(2), ..ReservaChange::default() },
        deadline: soon(),
    };
    assert_eq!(rejected(store.store.execute(change).await), Rejection::ReservaEncerrada);
    let store = store.reopen_with(rules).await;
    let facts = store.facts("late").await;
    assert_eq!((facts.state, facts.desde.as_millis()), (ReservaState::NaoCompareceu, due));
}

#[tokio::test]
async fn an_archived_session_that_is_corrected_to_have_ended_lately_is_found() {
    let store = TestStore::new(1).await;
    let id = store.charges(placa("ABC1234")).await;
    set_now(START + HOUR);
    store.leaves(id).await;
    days_pass(&store, 40).await;
    assert_eq!(archive(&store, MONTH).await, 1);
    let lately = now().plus_millis(-2 * HOUR);
    let query =
        CarregamentosQuery { ended_from: Some(lately), limit: 10, ..CarregamentosQuery::default() };
    let found = async || {
        let sessions = store.store.carregamentos(&query, now()).await.expect("a read");
        sessions.iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(found().await, [0; 0]);
    let (inicio, fim) = (Some(lately), Some(lately.plus_millis(HOUR)));
    let correction = Correction { inicio, fim, ..Correction::default() };
    store.store.execute(CorrectCarregamento { id, correction }).await.expect("it has ended");
    assert_eq!(found().await, [id]);
}
