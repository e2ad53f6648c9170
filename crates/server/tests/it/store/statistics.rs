//! Statistics that outlive what they count: an upgrade, a restart, refusals that are deleted. What is
//! counted at all is compared with a plain count in `store/writer/housekeeping/statistics/tests.rs`.

use domain::{Figures, Fuso, Moment, Passo, Rejection, Steps};
use server::store::{ArchiveEnded, Counted, Statistics, StatisticsQuery};

use crate::store::archive::{MONTH, archive};
use crate::store::upgrade::old_file;
use crate::support::{HOUR, START, TestStore, jump_to, removal, set_now};

const DAY: i64 = 24 * HOUR;

/// Counts steps of a day in UTC, from so many milliseconds after [`START`].
async fn count(store: &TestStore, from: i64, days: i64, posto_id: Option<i64>) -> Statistics {
    let de = Moment::from_millis(START + from);
    let utc = Fuso::parse("+00:00").expect("an offset");
    let steps = Steps::new(de, de.plus_millis(days * DAY), Passo::Dia, utc).expect("a period");
    let query = StatisticsQuery { steps, posto_id, by_posto: true };
    store.store.statistics(query).await.expect("statistics")
}

/// How often each kind of refusal was counted.
fn refusals(counted: &Counted) -> Vec<(&Rejection, i64)> {
    counted.refusals.iter().map(|refusals| (&refusals.rejection, refusals.count)).collect()
}

/// A posto that was made and one that only sessions and reservas tell of, one of which nothing is known,
/// and one that was removed; refusals of a reservation, a change and a cancellation.
const OLD_DATA: &str = "
    INSERT INTO owner VALUES (1, 'server1');
    INSERT INTO postos (id, nome, localizacao, potencia_maxima, tipo_conector, preco_kwh,
        operador_disponivel, operador_em_manutencao, removed_at)
    VALUES (1, 'Ponto 1', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0, NULL),
           (2, 'Ponto 2', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 1, NULL),
           (3, 'Ponto 3', '-23.5,-46.6', 22, 'CCS', 2.5, 0, 0, NULL),
           (4, 'Ponto 4', '-23.5,-46.6', 22, 'CCS', 2.5, 1, 0, 1767232800000);
    INSERT INTO auditoria (quando, quem, acao, alvo, antes, depois)
    VALUES (1767225600000, 'ana', 'criar', 'posto/1', NULL, '{}'),
           (1767225600000, 'ana', 'importar', 'posto/4', NULL, '{}'),
           (1767225500000, 'ana', 'importar', 'posto/2', '{}', '{}');
    INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
    INSERT INTO reservas (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at,
        preco_kwh, desde, motivo)
    VALUES (1, 'r1', 2, 'ABC1234', 1767229200000, 1767236400000, 'encerrada', 1767227400000, 0, 2.5,
            1767227400000, NULL),
           (2, 'r2', 2, 'ABC1234', 1767229200000, 1767236400000, 'cancelada', 1767228000000, 0, 2.5,
            1767228100000, NULL);
    INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
    VALUES (2, 'ABC1234', 0, 2.5, 500, 0, 0),
           (2, 'ABC1234', 1767229200000, 2.5, 1767232800000, 10.5, 26.25),
           (2, 'ABC1234', 1000, 2.5, 2000, 0, 0);
    INSERT INTO refusals (request_id, fingerprint, decided_at, posto_id, nome, rejection)
    VALUES ('x1', zeroblob(16), 1767229200000, 1, 'Ponto 1', 'posto_reservado'),
           ('x2', zeroblob(16), 1767229200001, 1, 'Ponto 1', 'posto_reservado'),
           ('x3', zeroblob(16), 1767229200000, 99, '', 'posto_inexistente');
    INSERT INTO refused_cancellations (digest, decided_at, rejection)
    VALUES (zeroblob(16), 1767229200000, 'reserva_inexistente');
    INSERT INTO alteracoes (request_id, fingerprint, reserva_id, decided_at, answer)
    VALUES ('a1', zeroblob(16), 1, 1767229200000,
            '{\"rejection\":\"reserva_encerrada\",\"detail\":null,\"posto_id\":2,\"nome\":\"\"}'),
           ('a2', zeroblob(16), 1, 1767229200000, '{\"posto_id\":2}');";

#[tokio::test]
async fn an_upgrade_counts_what_is_left_of_before() {
    let store = TestStore::open(old_file(9, OLD_DATA).await).await;
    jump_to(START + 40 * DAY);
    let counted = count(&store, 0, 1, None).await;
    let postos: Vec<_> = counted.postos.iter().map(|posto| (posto.id, posto.is_removed)).collect();
    assert_eq!(postos, [(1, false), (2, false), (4, true)]);
    let figures = |index: usize| counted.postos[index].counted.figures;
    assert_eq!(figures(0), Figures { in_service: DAY, ..Figures::default() });
    // Since its first reserva was made, half an hour after midnight.
    let expected = Figures {
        in_service: DAY - HOUR / 2,
        held: 2 * HOUR,
        charging: HOUR,
        made: 2,
        encerrada: 1,
        cancelada: 1,
        sessions: 1,
        energy: 10_500_000,
        cost: 2625,
        ..Figures::default()
    };
    assert_eq!(figures(1), expected);
    // Until it was removed.
    assert_eq!(figures(2), Figures { in_service: 2 * HOUR, ..Figures::default() });
    let counts: Vec<_> = counted.total.refusals.iter().map(|refusals| refusals.count).collect();
    assert_eq!(counts, [1, 2, 1, 1], "{:?}", counted.total.refusals);
    let of_posto = count(&store, 0, 1, Some(1)).await;
    let reservado = Rejection::PostoReservado { nome: String::new() };
    assert_eq!(refusals(&of_posto.total), [(&reservado, 2)]);
}

#[tokio::test]
async fn refusals_count_after_they_were_deleted_and_after_a_restart() {
    let store = TestStore::new(2).await;
    store.reserve("r1", "ABC1234", 1).await.expect("it is free");
    for request_id in ["r2", "r2", "r3"] {
        store.reserve(request_id, "XYZ9876", 1).await.expect_err("it is held");
    }
    store.cancel("none").await.expect_err("there is none");
    store.reserve("r4", "ABC1234", 99).await.expect_err("no such posto");
    let counted = count(&store, 0, 1, None).await;
    let nome = String::new();
    let inexistente = Rejection::PostoInexistente { posto_id: 0, server_id: String::new() };
    let reserva = String::new();
    let none = Rejection::ReservaInexistente { reserva, server_id: String::new() };
    let reservado = Rejection::PostoReservado { nome };
    let expected = [(&inexistente, 1), (&reservado, 2), (&none, 1)];
    assert_eq!(refusals(&counted.total), expected);
    let counted = count(&store, 0, 1, Some(1)).await;
    assert_eq!(refusals(&counted.total), [(&reservado, 2)]);
    set_now(START + 31 * DAY);
    store.store.sweep().await.expect("a sweep");
    let kept = "SELECT count(*) FROM refusals";
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    assert_eq!(file.query_row(kept, [], |row| row.get(0)), Ok(0));
    drop(file);
    let store = store.reopen().await;
    assert_eq!(refusals(&count(&store, 0, 1, None).await.total), expected);
    assert_eq!(refusals(&count(&store, DAY, 1, None).await.total), []);
}

#[tokio::test]
async fn a_charger_that_changes_all_the_time_makes_no_more_rows_than_hours() {
    let store = TestStore::new(1).await;
    for minute in 0..240 {
        set_now(START + minute * 60_000);
        store.charger_says(minute % 2 == 0).await;
    }
    set_now(START + 4 * HOUR);
    let counted = count(&store, 0, 1, Some(1)).await.total.figures;
    assert_eq!((counted.in_service, counted.out_of_service), (2 * HOUR, 2 * HOUR));
    let file = rusqlite::Connection::open(store.path()).expect("the file");
    let rows = "SELECT (SELECT count(*) FROM estatisticas WHERE posto_id = 1),
                       (SELECT count(*) FROM estatisticas_servico)";
    let rows = file.query_row(rows, [], |row| Ok((row.get(0)?, row.get(1)?)));
    assert_eq!(rows, Ok((4, 4)));
    drop(file);
    store.store.execute(removal(1)).await.expect("nobody needs it");
    set_now(START + 9 * HOUR);
    let counted = count(&store, 0, 1, Some(1)).await.total.figures;
    assert_eq!(counted.in_service + counted.out_of_service, 4 * HOUR, "it is no more");
}

/// Service and outage of posto 1 in the first two days.
async fn service(store: &TestStore) -> (i64, i64) {
    let figures = count(store, 0, 2, Some(1)).await.total.figures;
    (figures.in_service, figures.out_of_service)
}

#[tokio::test]
async fn a_clock_that_is_set_back_counts_no_service_twice() {
    let store = TestStore::new(1).await;
    jump_to(START + 3 * HOUR);
    store.charger_says(false).await;
    jump_to(START + HOUR);
    store.charger_says(true).await;
    jump_to(START + 4 * HOUR);
    assert_eq!(service(&store).await, (4 * HOUR, 0));
    // By so little that nothing else takes notice.
    store.charger_says(false).await;
    jump_to(START + 4 * HOUR - 1000);
    store.charger_says(true).await;
    jump_to(START + 5 * HOUR);
    assert_eq!(service(&store).await, (5 * HOUR, 0));
    // What it says after a month ahead is so from now on.
    jump_to(START + 30 * DAY);
    store.charger_says(false).await;
    jump_to(START + 6 * HOUR);
    store.store.sweep().await.expect("a sweep");
    jump_to(START + 8 * HOUR);
    assert_eq!(service(&store).await, (6 * HOUR, 2 * HOUR));
}

#[tokio::test]
async fn what_ends_before_it_was_made_counts_when_it_ends() {
    let store = TestStore::new(1).await;
    jump_to(START + 36 * HOUR);
    store.reserve_at("r1", "ABC1234", (40, 41)).await.expect("it is free");
    jump_to(START + 10 * HOUR);
    store.cancel("r1").await.expect("it is cancelled");
    jump_to(START + 11 * HOUR);
    let figures = count(&store, 0, 1, None).await.total.figures;
    assert_eq!((figures.made, figures.cancelada), (0, 1));
}

/// Sessions that lasted for the year before [`START`], at four postos.
const YEAR: &str = "
    VALUES (11, 1, 'ABC1234', 1735603200000, 2.5, 1767225600000, 1, 2.5),
           (12, 2, 'BBB2222', 1735603200000, 2.5, 1767225600000, 1, 2.5),
           (13, 3, 'CCC3333', 1735603200000, 2.5, 1767225600000, 1, 2.5),
           (14, 4, 'DDD4444', 1735603200000, 2.5, 1767225600000, 1, 2.5);";

async fn year(store: &TestStore) -> (i64, i64) {
    let figures = count(store, -400 * DAY, 410, None).await.total.figures;
    (figures.sessions, figures.charging)
}

#[tokio::test]
async fn long_sessions_are_archived_one_after_the_other() {
    let store = TestStore::new(4).await;
    let columns = "id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo";
    store.execute_sql(&format!("INSERT INTO carregamentos ({columns}) {YEAR}"));
    jump_to(START + 31 * DAY);
    let (age, reservas, carregamentos) = (MONTH, Vec::new(), vec![11, 12, 13, 14]);
    let command = ArchiveEnded { age, reservas, carregamentos };
    let archived = store.store.execute(command).await.expect("some are archived");
    assert_eq!((archived.carregamentos, archived.may_be_more), (1, true));
    assert_eq!(archive(&store, MONTH).await, 3);
    assert_eq!(year(&store).await, (4, 4 * 366 * DAY));
}

/// In more sums than are kept in memory. A value that no release writes neither keeps the servidor from
/// starting nor anybody from an answer, archived or not.
#[tokio::test]
async fn what_a_migration_has_archived_is_counted_at_the_start() {
    let store = TestStore::new(4).await;
    let columns = "id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo";
    store.execute_sql(&format!(
        "INSERT INTO archived_carregamentos ({columns}) {YEAR}
         INSERT INTO archived_carregamentos ({columns}) VALUES (5, 1, 'ABC1234', 0, 2.5, 1, -1, 0);
         INSERT INTO archived_reservas (id, posto_id, inicio, fim, status, created_at, updated_at, desde,
             preco_kwh, versao, tolerancia)
         VALUES (1, 1, 0, 1, 'unknown', 0, 0, 0, 2.5, 1, 0);
         INSERT INTO estatisticas_due (id) VALUES (1);
         INSERT INTO carregamentos ({columns}) VALUES (6, 1, 'ABC1234', 0, 2.5, {START}, -1, 0);
         INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
         INSERT INTO reservas (posto_id, placa, inicio, fim, status, created_at, updated_at, desde)
         VALUES (1, 'ABC1234', {START} - 1000, {START}, 'unknown', {START} - 1000, 0, 0);"
    ));
    let store = store.reopen().await;
    jump_to(START + 31 * DAY);
    assert_eq!(year(&store).await, (4, 4 * 366 * DAY));
}
