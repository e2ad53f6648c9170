//! Reservas that were moved: from when they hold their new posto, and when their carros are absent.

use std::time::Duration;

use domain::{Disposition, Rejection, ReservaState, Rules};
use server::store::{ReservaOutcome, SetService};

use crate::store::maintenance::{current, out, refusal, reserve, shown, site, sql};
use crate::support::{HOUR, START, reservation, set_now};

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn a_reserva_that_has_begun_holds_its_new_posto_from_then_on() {
    let store = site(Rules::default()).await;
    reserve(&store, "r1", 1, (0, 4)).await;
    reserve(&store, "r2", 2, (0, 1)).await;
    set_now(START + 2 * HOUR);
    let moved = store.store.execute(out(Disposition::Move)).await.expect("it is done");
    assert_eq!(shown(&moved.reservas), [(1, ReservaOutcome::Moved, 2)], "free for the rest");
    assert_eq!(current(&store, "r1").await.facts.interval.inicio().as_millis(), START);
    assert!(
        !store.disponivel(2).await
            && !store.store.listing().await.expect("a list").postos[1].disponivel
    );
    // That it was held by another before is no overlap, also when the reserva changes again.
    sql(&store, "UPDATE reservas SET fim = fim + 60000 WHERE id = 1").expect("the rest is free");
    // Nor is it one with the clock set back: it holds that posto from the move on.
    set_now(START + HOUR);
    let listed = store.store.listing().await.expect("a list").postos[1].disponivel;
    assert!(store.disponivel(2).await && listed);
    reserve(&store, "r3", 2, (1, 2)).await;
    let later = reservation("r4", "CAR0004", 2, Some((2, 3)));
    let held = Rejection::PostoReservado { nome: "Ponto 2".to_owned() };
    assert_eq!(refusal(store.store.execute(later).await), held);
    set_now(START + 2 * HOUR);
    reserve(&store, "r5", 5, (10, 11)).await;
    let taken =
        format!("UPDATE reservas SET posto_id = 2, updated_at = {START} WHERE request_id =");
    sql(&store, &format!("{taken} 'r5'")).expect("it is free");
    sql(&store, "UPDATE reservas SET inicio = inicio - 28800000 WHERE request_id = 'r5'")
        .expect_err("the schema refuses an overlap");
    reserve(&store, "r6", 5, (3, 5)).await;
    sql(&store, &format!("{taken} 'r6'")).expect_err("also of another posto");
}

#[tokio::test]
async fn absences_begin_anew_at_the_new_posto() {
    let rules = Rules { tolerancia: Duration::from_secs(15 * 60), ..Rules::default() };
    let store = site(rules).await;
    for (request_id, hours) in [("r1", (0, 2)), ("r2", (3, 4)), ("r3", (5, 6))] {
        reserve(&store, request_id, 1, hours).await;
    }
    reserve(&store, "r4", 2, (5, 6)).await;
    reserve(&store, "r5", 5, (5, 6)).await;
    let due = async |request_id: &str| {
        let due = current(&store, request_id).await.facts.falta_em;
        due.map(|due| (due.as_millis() - START) / MINUTE)
    };
    set_now(START + 10 * MINUTE);
    let moved = store.store.execute(out(Disposition::Move)).await.expect("it is done");
    assert_eq!(moved.reservas.last().map(|reserva| reserva.outcome), Some(ReservaOutcome::NoPosto));
    assert_eq!((due("r1").await, due("r2").await, due("r3").await), (Some(25), Some(195), None));
    set_now(START + 20 * MINUTE);
    let service = SetService { in_service: true, ..out(Disposition::Keep) };
    store.store.execute(service).await.expect("it is done");
    assert_eq!((due("r1").await, due("r3").await), (Some(25), Some(315)));
    // What is due is due, and is not moved.
    set_now(START + 25 * MINUTE);
    let other = SetService { posto_id: 2, ..out(Disposition::Move) };
    let other = store.store.execute(other).await.expect("it is done");
    assert_eq!(
        shown(&other.reservas),
        [(2, ReservaOutcome::Moved, 5), (4, ReservaOutcome::NoPosto, 2)]
    );
    assert_eq!(current(&store, "r1").await.facts.state, ReservaState::NaoCompareceu);
}
