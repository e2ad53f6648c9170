//! The states of reservas: the same in SQL and in Rust, whether or not they are recorded.

use domain::{Moment, ReservaFacts, ReservaState};
use proptest::prelude::*;
use proptest::test_runner::{Config as ProptestConfig, TestRunner};
use server::store::ReservasQuery;

use crate::support::{HOUR, START, TestStore, now, set_now};

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
    // The trigger looks at one row: the first that ends after the new one begins.
    insert(8, 9).expect("it is free");
    for (from, to) in [(3, 5), (7, 10), (8, 9), (-1, 1), (-1, 10), (6, 9), (8, 12)] {
        insert(from, to).expect_err("a part of it is held");
    }
    insert(-2, 0).expect("they may touch");
    insert(4, 8).expect("they may touch");
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
