//! Removing postos that have reservas, and reservations that come at the same time.

use std::collections::BTreeMap;
use std::time::Instant;

use domain::{Disposition, Motivo, Rejection, ReservaState};
use server::store::{
    AuditQuery, Audited, Author, ImportPostos, RemovePosto, ReservaOutcome, ReservasQuery,
    SetService, WriteError,
};
use tokio::task::JoinSet;

use crate::support::{HOUR, START, TestStore, now, posto, removal, reservation, set_now};

/// Removes posto 1.
fn removing(disposition: Disposition) -> RemovePosto {
    RemovePosto { disposition, ..removal(1) }
}

fn out(posto_id: i64, disposition: Disposition) -> SetService {
    SetService {
        posto_id,
        in_service: false,
        em_manutencao: None,
        disposition,
        until: None,
        simulate: false,
    }
}

async fn states(store: &TestStore) -> Vec<(i64, ReservaState, Option<Motivo>, i64)> {
    let query = ReservasQuery { limit: 1000, ..ReservasQuery::default() };
    let mut reservas = store.store.reservas(&query, now()).await.expect("a read");
    reservas.reverse();
    let state = |reserva: server::store::ReservaView| {
        (reserva.id, reserva.facts.state, reserva.facts.motivo, reserva.posto_id)
    };
    reservas.into_iter().map(state).collect()
}

async fn exists(store: &TestStore, posto_id: i64) -> bool {
    !store.store.postos_by_id(&[posto_id], now()).await.expect("a read").is_empty()
}

#[tokio::test]
async fn a_posto_with_reservas_is_removed_when_something_is_done_with_them() {
    use ReservaState::{Ativa, Cancelada};
    let store = TestStore::new(2).await;
    for (request_id, posto_id, hours) in [("r1", 1, (0, 2)), ("r2", 1, (3, 5)), ("r3", 2, (4, 6))] {
        let plate = format!("CAR000{}", &request_id[1..]);
        let command = reservation(request_id, &plate, posto_id, Some(hours));
        store.store.execute(command).await.expect("it is free");
    }
    let before = states(&store).await;
    let has_reservas = Rejection::PostoComReservas { nome: "Ponto 1".to_owned() };
    assert_eq!(store.store.execute(removing(Disposition::Keep)).await, Err(has_reservas.into()));
    let left = Rejection::ReservasSemPosto { nome: "Ponto 1".to_owned(), reservas: vec![2] };
    assert_eq!(store.store.execute(removing(Disposition::Move)).await, Err(left.into()));
    let simulated = RemovePosto { simulate: true, ..removing(Disposition::Move) };
    let simulated = store.store.execute(simulated).await.expect("a look");
    let found: Vec<_> = simulated.iter().map(|one| (one.id, one.outcome, one.posto_id)).collect();
    assert_eq!(found, [(1, ReservaOutcome::Moved, 2), (2, ReservaOutcome::NoPosto, 1)]);
    let simulated = RemovePosto { simulate: true, ..removing(Disposition::Cancel) };
    let simulated = store.store.execute(simulated).await.expect("it would be done");
    assert_eq!(simulated.iter().filter(|one| one.outcome == ReservaOutcome::Cancelled).count(), 2);
    assert_eq!((states(&store).await, exists(&store, 1).await), (before, true), "nothing changed");
    store.cancel("r3").await.expect("it is active");
    let moved = store.store.execute(removing(Disposition::Move)).await.expect("all find a posto");
    let moved: Vec<_> = moved.iter().map(|one| (one.id, one.outcome, one.posto_id)).collect();
    assert_eq!(moved, [(1, ReservaOutcome::Moved, 2), (2, ReservaOutcome::Moved, 2)]);
    assert!(!exists(&store, 1).await);
    let missing = Rejection::PostoInexistente { posto_id: 1, server_id: "server1".to_owned() };
    assert_eq!(store.store.execute(removing(Disposition::Cancel)).await, Err(missing.into()));

    let remove = RemovePosto { posto_id: 2, ..removing(Disposition::Cancel) };
    let session = format!(
        "INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh) VALUES (2, 'ABC1234', {START}, 1)"
    );
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    file.execute(&session, []).expect("a session");
    let in_use = Rejection::PostoEmUso { nome: "Ponto 2".to_owned() };
    for disposition in [Disposition::Keep, Disposition::Move, Disposition::Cancel] {
        let remove = RemovePosto { disposition, ..remove.clone() };
        assert_eq!(
            store.store.execute(remove).await,
            Err(in_use.clone().into()),
            "{disposition:?}"
        );
    }
    file.execute("DELETE FROM carregamentos", []).expect("it never was");
    let by = Author::Caller("ana".to_owned());
    store.store.execute(Audited { by, command: remove }).await.expect("it is done");
    let removed = Some(Motivo::PostoRemovido);
    assert_eq!(
        states(&store).await,
        [
            (1, Cancelada, removed, 2),
            (2, Cancelada, removed, 2),
            (3, Cancelada, Some(Motivo::Pedido), 2)
        ]
    );
    assert!(!states(&store).await.iter().any(|(_, state, ..)| *state == Ativa));
    let audit = AuditQuery { limit: 10, ..AuditQuery::default() };
    let audit = store.store.audit(&audit).await.expect("the audit");
    let rows: Vec<_> = audit.iter().map(|row| format!("{} {}", row.acao, row.alvo)).collect();
    assert_eq!(rows, ["remover posto/2", "cancelar reserva/2", "cancelar reserva/1"]);
}

#[tokio::test]
async fn a_reservation_and_a_move_never_get_the_same_posto() {
    for move_first in [true, false] {
        set_now(START);
        let store = TestStore::new(2).await;
        store.reserve("r1", "AAA1111", 1).await.expect("it is free");
        // In one batch: the writer carries them out in the order in which they came.
        let (moved, reserved) = if move_first {
            tokio::join!(
                store.store.execute(out(1, Disposition::Move)),
                store.store.execute(reservation("r2", "BBB2222", 2, None)),
            )
        } else {
            let (reserved, moved) = tokio::join!(
                store.store.execute(reservation("r2", "BBB2222", 2, None)),
                store.store.execute(out(1, Disposition::Move)),
            );
            (moved, reserved)
        };
        let outcome = moved.expect("it is done").reservas[0].outcome;
        if move_first {
            assert_eq!(outcome, ReservaOutcome::Moved);
            let held = Rejection::PostoReservado { nome: "Ponto 2".to_owned() };
            assert_eq!(reserved, Err(WriteError::Rejected(held)));
        } else {
            assert_eq!(outcome, ReservaOutcome::NoPosto);
            reserved.expect("it came first");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_posto_is_held_twice_while_many_are_taken_away_and_many_reserve() {
    set_now(START);
    let store = TestStore::new(40).await;
    let (mut reserving, mut moving) = (JoinSet::new(), JoinSet::new());
    for hour in (0..20).step_by(2) {
        for posto_id in 1..=40 {
            // A quarter of all hours stays free, so that some find a place.
            if (posto_id + hour / 2) % 4 == 3 {
                continue;
            }
            let (request_id, plate) =
                (format!("{posto_id}-{hour}"), format!("C{posto_id:02}H{hour:02}"));
            let command = reservation(&request_id, &plate, posto_id, Some((hour, hour + 2)));
            let handle = store.store.clone();
            reserving.spawn(async move { handle.execute(command).await });
            if hour == 10 && posto_id % 2 == 0 {
                let handle = store.store.clone();
                moving.spawn(async move { handle.execute(out(posto_id, Disposition::Move)).await });
            }
        }
    }
    let reserved = reserving.join_all().await.iter().filter(|outcome| outcome.is_ok()).count();
    let moved = moving.join_all().await.into_iter();
    let affected: Vec<_> = moved.flat_map(|moved| moved.expect("it is done").reservas).collect();
    let count = |kind| affected.iter().filter(|one| one.outcome == kind).count();
    assert!(count(ReservaOutcome::Moved) > 0, "{affected:?}");
    let states = states(&store).await;
    assert!(states.iter().all(|(_, state, ..)| *state == ReservaState::Ativa), "none is lost");
    assert_eq!(states.len(), reserved);
    let mut per_posto: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
    let query = ReservasQuery { limit: 1000, ..ReservasQuery::default() };
    for reserva in store.store.reservas(&query, now()).await.expect("a read") {
        let interval = reserva.facts.interval;
        let held = (interval.inicio().as_millis(), interval.fim().as_millis());
        per_posto.entry(reserva.posto_id).or_default().push(held);
    }
    for (posto_id, mut held) in per_posto {
        held.sort_unstable();
        assert!(held.windows(2).all(|pair| pair[0].1 <= pair[1].0), "posto {posto_id}: {held:?}");
    }
}

/// How long a large site takes to move what was reserved at one posto.
#[tokio::test]
#[ignore = "a measurement: cargo test -p server --test it speed_of_moving -- --ignored --nocapture"]
async fn speed_of_moving_five_hundred_reservas_among_two_thousand_postos() {
    for free in [true, false] {
        set_now(START);
        let rules = domain::Rules { por_carro: 0, ..domain::Rules::default() };
        let store = TestStore::with_rules(0, rules).await;
        let new = (1..=2000).map(|id| (Some(id), posto(&format!("Ponto {id}")))).collect();
        let postos = ImportPostos { new, ..ImportPostos::default() };
        assert_eq!(store.store.execute(postos).await, Ok(true));
        let busy = if free { 1 } else { 2000 };
        let file = rusqlite::Connection::open(store.path()).expect("the file");
        file.execute("INSERT INTO carros VALUES ('ABC1234', 'BYD', 44.5, 22.3, 0.19, 0, 0)", [])
            .expect("a carro");
        let rows = "WITH RECURSIVE
            hour (h) AS (SELECT 0 UNION ALL SELECT h + 1 FROM hour WHERE h < 499),
            posto (p) AS (SELECT 1 UNION ALL SELECT p + 1 FROM posto WHERE p < ?1)
            INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at,
                updated_at, desde, preco_kwh, client_id)
            SELECT p || '-' || h, p, 'ABC1234', ?2 + h * ?3, ?2 + (h + 1) * ?3, 'ativa', 0, 0, 0,
                2.5, 'cliente1' FROM posto, hour";
        file.execute(rows, [busy, START, HOUR]).expect("reservas");
        for simulate in [true, false] {
            let begun = Instant::now();
            let command = SetService { simulate, ..out(1, Disposition::Move) };
            let moved = store.store.execute(command).await.expect("it is done").reservas;
            let took = begun.elapsed();
            let count = moved.iter().filter(|one| one.outcome == ReservaOutcome::Moved).count();
            println!("{count} of {} moved, simulated: {simulate}: {took:?}", moved.len());
        }
    }
}
