//! What is measured, in which order.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::load::{Book, Work, closed, open};
use super::report::{Report, Row};
use super::stats::Stats;
use super::world::{Cast, World};
use super::{BARE, limits, mqtt};

/// Everything that is logged in the field.
const USUAL_LOG: &str = "info";
const POSTOS: usize = 1_000;
const HISTORY: i64 = 1_000_000;

/// How long things are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) length: Duration,
    pub(crate) warm_up: Duration,
}

/// One system under load.
struct Bench<'a> {
    world: World,
    book: Arc<Book>,
    pace: Pace,
    report: &'a mut Report,
}

impl<'a> Bench<'a> {
    fn new(cast: &Cast, pace: Pace, report: &'a mut Report) -> Self {
        let book = Arc::new(Book::new(cast.servers, cast.postos));
        Self { world: World::with(cast), book, pace, report }
    }

    fn addr(&self) -> String {
        self.world.gateways[0].addr.clone()
    }

    /// Callers who ask as fast as they are answered.
    async fn closed(&mut self, name: &str, work: Work, callers: usize) {
        let addr = self.addr();
        closed(&self.book, work, &addr, callers, self.pace.warm_up).await;
        let before = self.world.usage();
        let stats = closed(&self.book, work, &addr, callers, self.pace.length).await;
        self.note(name, callers, stats, &before);
    }

    /// Requests that come at a fixed rate.
    async fn open(&mut self, name: &str, work: Work, rate: f64) {
        let addr = self.addr();
        let before = self.world.usage();
        let stats = open(&self.book, work, &addr, rate, self.pace.length).await;
        self.note(name, 0, stats, &before);
    }

    fn note(
        &mut self,
        name: &str,
        callers: usize,
        stats: Stats,
        before: &std::collections::BTreeMap<&'static str, super::world::Usage>,
    ) {
        let mut usage = self.world.usage();
        for (kind, now) in &mut usage {
            now.cpu_seconds -= before[kind].cpu_seconds;
        }
        self.report.add(Row { name: name.to_owned(), callers, stats, usage });
    }

    /// What was answered with success is what the databases hold.
    async fn end(mut self) {
        let made = self.book.made.load(Ordering::Relaxed);
        let mut kept = 0;
        for number in (1..=self.world.servers.len()).rev() {
            self.world.stop_server(number - 1);
            let mut database = self.database(number).await;
            let count: i64 =
                sqlx::query_scalar("SELECT count(*) FROM reservas WHERE status = 'ativa'")
                    .fetch_one(&mut database)
                    .await
                    .expect("a count");
            kept += count.unsigned_abs();
        }
        assert_eq!(made, kept, "answered with success, and on disk");
    }

    async fn database(&self, number: usize) -> SqliteConnection {
        let path = self.world.folder().join(format!("data/server{number}.db"));
        let options = SqliteConnectOptions::new().filename(path);
        SqliteConnection::connect_with(&options).await.expect("a database")
    }

    /// Gives the first servidor a past.
    async fn add_history(&mut self, cast: &Cast) {
        self.world.stop_server(0);
        let mut database = self.database(1).await;
        for sql in [
            "INSERT INTO carros SELECT 'OLD0001', 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0",
            "INSERT INTO reservas (request_id, posto_id, placa, inicio, fim, status, created_at, updated_at)
             SELECT 'old-' || value, value % (SELECT count(*) FROM postos) + 1, 'OLD0001',
                    value * 1000, value * 1000 + 900, 'encerrada', value * 1000, value * 1000 + 900
             FROM generate_series_of_the_past",
        ] {
            let series = format!(
                "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {HISTORY}) SELECT value FROM n)"
            );
            let sql = sql.replace("generate_series_of_the_past", &series);
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.expect("a past");
        }
        database.close().await.expect("it closes");
        self.world.add_server(1, cast.postos);
    }
}

/// What broker, HTTP, disk and store could do alone.
pub(crate) async fn limits(pace: Pace, report: &mut Report) {
    let world = World::with_broker(USUAL_LOG);
    let mut alone = |name: &str, callers, stats| {
        report.add(Row { name: name.to_owned(), callers, stats, usage: Default::default() });
    };
    for outstanding in [1, 64] {
        let port = world.broker_port;
        let stats = mqtt::round_trips(port, outstanding, pace.length).await.expect("a broker");
        alone(BARE, outstanding, stats);
    }
    alone("HTTP echo", 64, limits::http_echo(64, pace.length).await);
    alone("fdatasync", 1, limits::fdatasync(world.folder(), pace.length));
    alone("store alone", 64, limits::store(world.folder(), 64, pace.length).await);
}

/// Reservations by the usual and by the direct way.
pub(crate) async fn reservations(entrega: &'static str, pace: Pace, report: &mut Report) {
    let cast = Cast { servers: 2, postos: POSTOS, entrega, log: USUAL_LOG };
    let mut bench = Bench::new(&cast, pace, report);
    let idle = bench.world.usage();
    bench.report.idle = Some((idle["gateway"].resident_mib, idle["server"].resident_mib));
    let name = format!("POST /reservar, {entrega}");
    for callers in [1, 16, 64, 256, 1024] {
        bench.closed(&name, Work::Reserve, callers).await;
    }
    let top = bench.report.find(&name, 64).map_or(1000.0, |row| row.stats.per_second());
    for share in [0.25, 0.5] {
        let rate = (top * share).round();
        bench.open(&format!("{name}, {rate:.0}/s asked"), Work::Reserve, rate).await;
    }
    bench.end().await;
}

/// Listings, alone and mixed with reservations.
pub(crate) async fn listings(pace: Pace, report: &mut Report) {
    for postos in [100, 1_000] {
        let cast = Cast { servers: 2, postos, entrega: "difusao", log: USUAL_LOG };
        let mut bench = Bench::new(&cast, pace, report);
        for callers in [1, 64] {
            bench.closed(&format!("GET /postos, {postos}"), Work::List, callers).await;
        }
        bench.closed(&format!("4 GET /postos of {postos} to 1 POST"), Work::Mixed, 64).await;
        bench.end().await;
    }
}

/// More servidores on one broker.
pub(crate) async fn servers(pace: Pace, report: &mut Report) {
    for (entrega, counts) in [("direta", &[1, 2, 8, 32][..]), ("difusao", &[1, 8, 32])] {
        for servers in counts {
            let cast = Cast { servers: *servers, postos: POSTOS, entrega, log: USUAL_LOG };
            let mut bench = Bench::new(&cast, pace, report);
            let name = format!("{servers} servers, {entrega}");
            bench.closed(&name, Work::Reserve, 64).await;
            if (*servers, entrega) == (32, "direta") {
                // As many callers for each servidor as two of them have with 64.
                bench.closed(&name, Work::Reserve, 1024).await;
            }
            bench.end().await;
        }
    }
    // What the others cost whom nobody asks.
    let cast = Cast { servers: 32, postos: POSTOS, entrega: "direta", log: USUAL_LOG };
    let mut bench = Bench::new(&cast, pace, report);
    bench.book = Arc::new(Book::new(2, POSTOS));
    bench.closed("32 servers, 2 of them asked, direta", Work::Reserve, 64).await;
    bench.end().await;
}

/// A long past beside none, in turns, so that both have the same neighbours on the machine.
pub(crate) async fn history(pace: Pace, report: &mut Report) {
    let cast = Cast { servers: 1, postos: POSTOS, entrega: "direta", log: USUAL_LOG };
    let mut with = Bench::new(&cast, pace, report);
    with.add_history(&cast).await;
    let mut apart = Report::default();
    let mut without = Bench::new(&cast, pace, &mut apart);
    for round in 1..=2 {
        with.closed(&format!("a million past reservas, round {round}"), Work::Reserve, 64).await;
        without.closed(&format!("no past, round {round}"), Work::Reserve, 64).await;
    }
    with.end().await;
    without.end().await;
    report.rows.extend(apart.rows);
}

/// What a line of log for each request costs.
pub(crate) async fn logging(pace: Pace, report: &mut Report) {
    for log in ["warn", "info"] {
        let cast = Cast { servers: 2, postos: POSTOS, entrega: "difusao", log };
        let mut bench = Bench::new(&cast, pace, report);
        bench.closed(&format!("log at {log}"), Work::Reserve, 64).await;
        bench.end().await;
    }
}
