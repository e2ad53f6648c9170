//! Forgetting by age.

use std::time::Duration;

use domain::{Moment, Rejection, ReservaState};
use server::store::{
    AuditQuery, Audited, Author, FinishCarregamento, ForgetEnded, ForgettableRows, ForgettingRun,
    Forgotten, Reported, WriteError,
};

use crate::store::archive::archive;
use crate::store::forgetting::NO_LIMIT;
use crate::store::reserva_support::patient;
use crate::store::sessions::{at, wait_until};
use crate::support::{HOUR, START, TestStore, energy, now, placa, reservation, set_now, soon};

impl TestStore {
    /// Forgets all that ended at `cutoff` or before; how many transactions that took.
    async fn forget_ended(&self, cutoff: Moment) -> (usize, Forgotten) {
        let (mut ended, mut run) = (ForgettableRows::default(), ForgettingRun::default());
        for parts in 0.. {
            ended = self.store.ended(cutoff, &ended).await.expect("a read");
            if ended.is_empty() {
                return (parts, run.forgotten);
            }
            let command = ForgetEnded { cutoff, ended: ended.clone(), run };
            run =
                self.store.execute(Audited { by: Author::Server, command }).await.expect("a write");
        }
        unreachable!("it ends when nothing is left");
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_in_parts_and_the_rest_stays() {
    const RESERVAS: i64 = 700;
    let store = TestStore::with_rules(2, NO_LIMIT()).await;
    for hour in 0..RESERVAS {
        let plate = format!("OLD{:04}", hour % 10);
        store.reserve_at(&format!("old-{hour}"), &plate, (hour, hour + 1)).await.expect("free");
    }
    set_now(START + RESERVAS * HOUR);
    store.reserve("new", "NEW1234", 1).await.expect("free");
    store.charge("OLD0001", 2).await;
    let cutoff = Moment::from_millis(START + RESERVAS * HOUR - 1);
    let (parts, forgotten) = store.forget_ended(cutoff).await;
    assert!(parts > 1, "one transaction for all of it");
    // The last one ends after the cutoff, and OLD0001 has just charged.
    let expected = Forgotten { reservas: 699, carregamentos: 0, refusals: 0, carros: 8 };
    assert_eq!(forgotten, expected);
    let rows = store.store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await;
    let rows = rows.expect("the audit");
    assert_eq!((rows.len(), rows[0].quem.as_str()), (1, "servidor"));
    assert!(rows[0].depois.as_ref().is_some_and(|row| row.contains(r#""reservas":699"#)));

    // A crash before the file is written anew: the next start does it.
    let store = store.reopen().await;
    assert!(store.store.vacuum_is_due().await.expect("a read"));
    store.vacuumed().await;
    assert_eq!(store.files_with("OLD0002"), Vec::<String>::new());
    assert_eq!(store.files_with("old-5"), Vec::<String>::new());
    for kept in ["OLD0001", "OLD0009", "NEW1234"] {
        assert!(!store.files_with(kept).is_empty(), "{kept}");
    }
    // A clock that is set back makes a forgotten reserva current: it still holds its posto.
    set_now(START + 5 * HOUR);
    let held = store.reserve("again", "XYZ9876", 1).await;
    assert!(
        matches!(held, Err(WriteError::Rejected(Rejection::PostoReservado { .. }))),
        "{held:?}"
    );
}

/// A session that nobody ended may turn out to have ended before a reserva that it is taken to
/// have fulfilled.
#[tokio::test]
async fn a_reserva_is_not_forgotten_while_a_session_of_its_carro_goes_on_there() {
    set_now(START);
    let store = TestStore::new(1).await;
    let id = store.charges(placa("AAA1111")).await;
    store.reserve_at("its-own", "AAA1111", (2, 3)).await.expect("free");
    store.reserve_at("of-another", "BBB2222", (3, 4)).await.expect("free");
    set_now(START + 2 * HOUR);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(store.facts("its-own").await.state, ReservaState::Cumprida);
    set_now(START + 50 * HOUR);
    let cutoff = Moment::from_millis(START + 20 * HOUR);
    assert_eq!(store.forget_ended(cutoff).await.1.reservas, 1, "that of another carro");
    let fim = Some(Moment::from_millis(START + HOUR));
    let finish = FinishCarregamento { posto_id: 1, id, energy: energy(1.0), fim };
    store.store.execute(finish).await.expect("it ends");
    assert_eq!(store.facts("its-own").await.state, ReservaState::Encerrada);
    assert_eq!(store.forget_ended(cutoff).await.1.reservas, 1);
}

/// An absence stays in the archive when a session of its carro is reported, and the end of that session
/// may be reported still.
#[tokio::test]
async fn an_archived_reserva_is_not_forgotten_while_a_session_of_its_carro_goes_on_there() {
    set_now(START);
    let store = TestStore::with_rules(1, patient()).await;
    let reserve = async |request_id: &str, plate: &str, (inicio, fim): (i64, i64)| {
        let mut command = reservation(request_id, plate, 1, None);
        command.command.interval.inicio = Some(at(inicio));
        command.command.interval.fim = Some(at(fim));
        command.deadline = soon();
        store.store.execute(command).await.expect("free").reserva.id
    };
    let of_another = reserve("of-another", "BBB2222", (0, 2)).await;
    let absent = reserve("absent", "AAA1111", (3, 75)).await;
    wait_until(18);
    let second = reserve("second", "AAA1111", (18, 19)).await;
    assert_eq!(store.facts("absent").await.state, ReservaState::NaoCompareceu);
    wait_until(81);
    store.store.sweep().await.expect("a sweep");
    assert_eq!(archive(&store, Duration::ZERO).await, 3);
    let ended = async || store.store.ended(now(), &ForgettableRows::default()).await;
    let found = ended().await.expect("a read");
    assert_eq!(found.reservas, [of_another, absent, second]);

    let reported = store.reports("AAA1111", 6, None).await.expect("it may be");
    assert_eq!(ended().await.expect("a read").reservas, [of_another]);
    // Also if they were found before the session was reported.
    let command = ForgetEnded { cutoff: now(), ended: found, run: ForgettingRun::default() };
    let forgotten = store.store.execute(Audited { by: Author::Server, command }).await;
    assert_eq!(forgotten.expect("a write").forgotten.reservas, 1, "that of another carro");
    let its_own = Reported { id: reported.id, conflitos: Vec::new() };
    assert_eq!(store.reports("AAA1111", 6, Some(81)).await.expect("it ends"), its_own);
    assert_eq!(store.forget_ended(now()).await.1.reservas, 2);
}
