//! How long a year of statistics takes, and what it costs those who reserve meanwhile;
//! docs/performance.md has the figures.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use domain::{Fuso, Moment, Passo, Steps};
use server::store::{Statistics, StatisticsQuery};

use crate::support::{HOUR, START, TestStore, reservation};

const YEAR: i64 = 365 * 24;

/// A million reservas of an hour in the year before [`START`], at 120 postos, each with its session.
const RESERVAS: &str = "
    INSERT INTO carros VALUES ('ABC1234', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
    INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at,
        fingerprint, nome, client_id, desde, preco_kwh, versao)
    SELECT printf('%016x-old-request-of-a-client', i), i % 120 + 1, 'ABC1234',
           1735689600000 + i / 120 * 3600000 + 60000, 1735689600000 + i / 120 * 3600000 + 3660000,
           'cumprida', 1735689600000 + i / 120 * 3600000, 0, zeroblob(16), 'Ponto 1', 'cliente1',
           1735689600000 + i / 120 * 3600000 + 120000, 2.5, 3
    FROM n;
    INSERT INTO carregamentos (posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo)
    SELECT posto_id, placa, desde, 2.5, fim - 120000, 10.5, 26.25 FROM reservas;";

/// The same in sums, and what is not a month old in whole.
const ARCHIVED: &str = "
    CREATE TEMP TABLE sums AS
    SELECT posto_id, created_at / 3600000 AS hora FROM reservas WHERE fim < 1767225600000 - 2592000000;
    INSERT INTO estatisticas
    SELECT posto_id, hora, 0, 0, 0, 3540000, 3420000, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 10500000, 2625
    FROM sums;
    INSERT INTO estatisticas
    SELECT 0, hora, 0, 0, 0, 3540000 * count(*), 3420000 * count(*), count(*), count(*), 0, 0, 0, 0, 0,
           0, 0, count(*), 10500000 * count(*), 2625 * count(*)
    FROM sums GROUP BY hora;
    DELETE FROM carregamentos WHERE fim + 120000 < 1767225600000 - 2592000000;
    DELETE FROM reservas WHERE fim < 1767225600000 - 2592000000;";

async fn counted(store: &TestStore, hours: i64, passo: Passo, by_posto: bool) -> Statistics {
    let ate = Moment::from_millis(START);
    let steps = Steps::new(ate.plus_millis(-hours * HOUR), ate, passo, Fuso::default());
    let query = StatisticsQuery { steps: steps.expect("a period"), posto_id: None, by_posto };
    store.store.statistics(query).await.expect("statistics")
}

/// Reserves again and again until `until`; how long the slowest waited.
async fn slowest(store: &TestStore, number: &mut i64, until: impl Fn() -> bool) -> Duration {
    let mut slowest = Duration::ZERO;
    while !until() {
        *number += 1;
        let hours = Some((*number % 2000 + 1, *number % 2000 + 2));
        let placa = format!("B{number:07}");
        let asked = reservation(&format!("n{number}"), &placa, *number / 2000 + 1, hours);
        let begin = Instant::now();
        store.store.execute(asked).await.expect("it is free");
        slowest = slowest.max(begin.elapsed());
    }
    slowest
}

/// A line for each question.
async fn measure(store: &TestStore, what: &str, number: &mut i64) -> String {
    let mut report = String::new();
    let begin = Instant::now();
    let alone = slowest(store, number, || begin.elapsed() > Duration::from_secs(2)).await;
    for (hours, passo, by_posto) in [
        (YEAR, Passo::Dia, false),
        (YEAR, Passo::Dia, true),
        (7 * 24, Passo::Dia, false),
        (24, Passo::Hora, false),
    ] {
        let begin = Instant::now();
        let done = std::cell::Cell::new(false);
        let (statistics, waited) = tokio::join!(
            async {
                let statistics = counted(store, hours, passo, by_posto).await;
                done.set(true);
                (statistics, begin.elapsed())
            },
            slowest(store, number, || done.get()),
        );
        let (statistics, taken) = statistics;
        let _ = writeln!(
            report,
            "{what}: {hours} h by {}, by_posto {by_posto}: {} ms; the slowest reservation meanwhile \
             {} ms, without it {} ms; {} sessions",
            passo.as_str(),
            taken.as_millis(),
            waited.as_millis(),
            alone.as_millis(),
            statistics.total.figures.sessions
        );
    }
    report
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute; its figures count in a release build"]
async fn a_year_of_a_million_reservas_is_counted() {
    let store = TestStore::new(120).await;
    store.execute_sql(RESERVAS);
    let mut number = 0;
    let whole = counted(&store, YEAR, Passo::Dia, false).await;
    println!("{}", measure(&store, "all in whole", &mut number).await);
    store.execute_sql(ARCHIVED);
    let sums = counted(&store, YEAR, Passo::Dia, false).await;
    let same = |statistics: &Statistics| {
        let figures = statistics.total.figures;
        (figures.made, figures.sessions, figures.energy, figures.cost)
    };
    assert_eq!(same(&whole), same(&sums));
    println!("{}", measure(&store, "a month in whole", &mut number).await);
}
