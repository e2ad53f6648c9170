//! Whatever is asked for in whatever order, also while clocks are set back and servidores start again:
//! no command fails, answers stay, ends are final, and no posto is held for nobody.

use std::collections::BTreeMap;

use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use server::store::ReservasQuery;

use crate::store::anything_steps::{Step, World, step};
use crate::support::now;

/// As recorded: version and state of each reserva.
type Seen = BTreeMap<i64, (i64, String)>;

/// `says_end`: a session was just said to have ended before.
async fn check(world: &World, seen: &mut Seen, says_end: bool) {
    let store = &world.store.store;
    let all = ReservasQuery { limit: 1000, ..ReservasQuery::default() };
    for reserva in store.reservas(&all, now()).await.expect("a read") {
        let filter = ReservasQuery { status: Some(reserva.facts.state), ..all.clone() };
        let found = store.reservas(&filter, now()).await.expect("a read");
        assert!(found.iter().any(|found| found.id == reserva.id), "{reserva:?}");
    }
    let file = rusqlite::Connection::open(world.store.path()).expect("the file");
    let recorded: Vec<(i64, i64, String)> = file
        .prepare("SELECT id, versao, status FROM reservas")
        .and_then(|mut sql| {
            sql.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        })
        .expect("a query");
    for (id, versao, status) in recorded {
        let before = seen.insert(id, (versao, status.clone()));
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

#[test]
fn nothing_fails_whatever_is_asked_in_whatever_order() {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(25);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let steps = proptest::collection::vec(step(), 1..60);
    let played = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(async {
            let (mut world, mut seen) = (World::begin().await, Seen::new());
            for step in steps {
                let says_end = matches!(
                    step,
                    Step::Finish(_, Some(_))
                        | Step::Report(.., Some(_))
                        | Step::ReportIn(.., Some(_))
                );
                world = world.play(step).await;
                check(&world, &mut seen, says_end).await;
            }
        });
        Ok(())
    });
    played.expect("nothing fails");
}
