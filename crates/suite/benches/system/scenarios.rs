//! The measurements in their order.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::listeners::{Listening, listen};
use super::load::{Mix, Workload, closed, open};
use super::logins::Door;
use super::placas::placa;
use super::report::{Report, Row};
use super::stats::Stats;
use super::world::{Setup, World};
use super::{BARE, limits, mqtt};

/// The log level of production.
pub(crate) const USUAL_LOG: &str = "info";
pub(crate) const POSTOS: usize = 1_000;
const HISTORY: i64 = 1_000_000;
const HOUR: i64 = 60 * 60 * 1000;
/// Milliseconds from one to the next: they are of a year.
const PAST_STEP: i64 = 365 * 24 * 60 * 60 * 1000 / HISTORY;
/// Those of the last month are not archived yet.
const ARCHIVED: i64 = HISTORY - HISTORY / 12;
/// The carros of the past, with 20 reservas each.
const PAST_CARROS: u64 = 50_000;
/// Far above the numbers of a run, whose placas must differ.
const FIRST_PAST_CARRO: u64 = 400_000_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) length: Duration,
    pub(crate) warm_up: Duration,
}

/// One system under test.
pub(crate) struct Bench<'a> {
    world: World,
    workload: Arc<Workload>,
    pace: Pace,
    /// Reservas that were in the databases before.
    past: u64,
    report: &'a mut Report,
}

impl<'a> Bench<'a> {
    fn new(setup: &Setup, pace: Pace, report: &'a mut Report) -> Self {
        Self::of(World::with(setup), setup, pace, report)
    }

    pub(crate) fn of(world: World, setup: &Setup, pace: Pace, report: &'a mut Report) -> Self {
        let workload = Arc::new(Workload::new(setup.servers, setup.postos));
        Self { world, workload, pace, past: 0, report }
    }

    fn addr(&self) -> String {
        self.world.gateways[0].addr.clone()
    }

    /// Measures callers that send as fast as they are answered.
    pub(crate) async fn closed(&mut self, name: &str, mix: Mix, callers: usize) {
        let addr = self.addr();
        closed(&self.workload, mix, &addr, callers, self.pace.warm_up).await;
        let before = self.world.usage();
        let stats = closed(&self.workload, mix, &addr, callers, self.pace.length).await;
        self.add_row(name, callers, stats, &before);
    }

    /// Measures requests at a fixed rate.
    async fn open(&mut self, name: &str, mix: Mix, rate: f64) {
        let addr = self.addr();
        let before = self.world.usage();
        let stats = open(&self.workload, mix, &addr, rate, self.pace.length).await;
        self.add_row(name, 0, stats, &before);
    }

    fn add_row(
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

    /// Checks that the databases hold exactly the reservas that were answered with success.
    pub(crate) async fn finish(mut self) {
        let made = self.past + self.workload.made.load(Ordering::Relaxed);
        let mut kept = 0;
        for number in (1..=self.world.servers.len()).rev() {
            self.world.stop_server(number - 1);
            let mut database = self.database(number).await;
            let count: i64 =
                sqlx::query_scalar("SELECT count(*) FROM all_reservas WHERE status <> 'cancelada'")
                    .fetch_one(&mut database)
                    .await
                    .expect("a count");
            kept += count.unsigned_abs();
        }
        assert_eq!(made, kept, "reservas answered with success, and on disk");
    }

    async fn database(&self, number: usize) -> SqliteConnection {
        let path = self.world.folder().join(format!("data/server{number}.db"));
        let options = SqliteConnectOptions::new().filename(path);
        SqliteConnection::connect_with(&options).await.expect("a database")
    }

    /// Gives the first servidor the past of a year, a million reservas of random placas and random
    /// requests, each with its session: what is older than a month is archived.
    async fn add_history(&mut self, setup: &Setup) {
        self.world.stop_server(0);
        let mut database = self.database(1).await;
        let placas: Vec<_> = (0..PAST_CARROS).map(|n| placa(FIRST_PAST_CARRO + n)).collect();
        let placas = serde_json::to_string(&placas).expect("JSON");
        let first = service::now().as_millis() - HISTORY * PAST_STEP - HOUR;
        let tables = [("archived_", 1, ARCHIVED), ("", ARCHIVED + 1, HISTORY)];
        let mut statements = vec![
            "PRAGMA cache_size = -262144".to_owned(),
            "CREATE TEMP TABLE past_carros (number INTEGER PRIMARY KEY, placa TEXT)".to_owned(),
            "INSERT INTO past_carros SELECT key, value FROM json_each(?1)".to_owned(),
            "INSERT INTO carros SELECT placa, 'BYD Dolphin', 44.5, 22.3, 0.19, 0, 0 FROM past_carros"
                .to_owned(),
            "CREATE TEMP TABLE past AS
             WITH RECURSIVE past(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM past WHERE n < ?2)
             SELECT n, n % (SELECT count(*) FROM postos) + 1 AS posto_id, ?4 + n * ?5 AS inicio,
                    abs(random()) % ?3 AS carro FROM past"
                .to_owned(),
        ];
        for (prefix, from, to) in tables {
            statements.push(format!(
                "INSERT INTO {prefix}reservas
                     (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at,
                      fingerprint, nome, client_id, desde, livre_desde, preco_kwh, versao, tolerancia,
                      estimativa)
                 SELECT n, lower(hex(randomblob(18))), posto_id, placa, inicio, inicio + {HOUR}, 'cumprida',
                        inicio, inicio, randomblob(16), 'Ponto ' || posto_id, 'cliente1', inicio, inicio + {HOUR},
                        2.5, 2, 0, '[22200,61,5550,1174]'
                 FROM past JOIN past_carros ON number = carro WHERE n BETWEEN {from} AND {to} ORDER BY n"
            ));
            statements.push(format!(
                "INSERT INTO {prefix}carregamentos
                     (id, posto_id, placa, inicio, preco_kwh, fim, energia_fornecida, custo, reserva_id)
                 SELECT n, posto_id, placa, inicio, 2.5, inicio + {HOUR}, 10, 25, n
                 FROM past JOIN past_carros ON number = carro WHERE n BETWEEN {from} AND {to} ORDER BY n"
            ));
        }
        // As one that gave all these ids.
        for table in ["reservas", "carregamentos"] {
            statements
                .push(format!("UPDATE sqlite_sequence SET seq = {HISTORY} WHERE name = '{table}'"));
        }
        for sql in statements {
            let statement = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&placas).bind(HISTORY);
            let statement = statement.bind(PAST_CARROS as i64).bind(first).bind(PAST_STEP);
            statement.execute(&mut database).await.expect("a past");
        }
        database.close().await.expect("it closes");
        self.past = HISTORY.unsigned_abs();
        self.world.add_server(1, setup.postos);
    }
}

/// The limits of broker, HTTP, disk and store alone.
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

/// Reservations with one kind of `entrega`.
pub(crate) async fn reservations(entrega: &'static str, pace: Pace, report: &mut Report) {
    let setup = Setup { servers: 2, postos: POSTOS, entrega, log: USUAL_LOG, door: Door::Open };
    let mut bench = Bench::new(&setup, pace, report);
    let idle = bench.world.usage();
    bench.report.idle = Some((idle["gateway"].resident_mib, idle["server"].resident_mib));
    let name = format!("POST /reservar, {entrega}");
    for callers in [1, 16, 64, 256, 1024] {
        bench.closed(&name, Mix::Reserve, callers).await;
    }
    let top = bench.report.find(&name, 64).map_or(1000.0, |row| row.stats.per_second());
    for share in [0.25, 0.5] {
        let rate = (top * share).round();
        bench.open(&format!("{name}, {rate:.0}/s asked"), Mix::Reserve, rate).await;
    }
    bench.finish().await;
}

/// Listings, alone and mixed with reservations.
pub(crate) async fn listings(pace: Pace, report: &mut Report) {
    for postos in [100, 1_000] {
        let setup =
            Setup { servers: 2, postos, entrega: "difusao", log: USUAL_LOG, door: Door::Open };
        let mut bench = Bench::new(&setup, pace, report);
        for callers in [1, 64] {
            bench.closed(&format!("GET /postos, {postos}"), Mix::List, callers).await;
        }
        bench.closed(&format!("4 GET /postos of {postos} to 1 POST"), Mix::Mixed, 64).await;
        bench.finish().await;
    }
}

/// Rounds of a comparison.
pub(crate) const ROUNDS: usize = 5;

/// What is compared with another version.
pub(crate) const COMPARED: [(&str, Mix, usize); 6] = [
    ("POST /reservar", Mix::Reserve, 1),
    ("POST /reservar", Mix::Reserve, 64),
    ("GET /postos, 1000, unchanged", Mix::List, 64),
    ("GET /postos, 1000, unchanged", Mix::List, 1),
    ("POST /reservar, GET /postos, 1000", Mix::Changed, 64),
    ("POST /reservar, GET /postos, 1000", Mix::Changed, 1),
];

/// Reservations and listings by the programs of another version and by these, in turns, so that both
/// meet the same load of the machine.
pub(crate) async fn versions(before: &Path, pace: Pace, report: &mut Report) {
    let setup =
        Setup { servers: 2, postos: POSTOS, entrega: "difusao", log: USUAL_LOG, door: Door::Open };
    let mut apart = Report::default();
    let world = World::with_programs(&setup, before);
    let mut before = Bench::of(world, &setup, pace, &mut apart);
    let mut after = Bench::new(&setup, pace, report);
    for round in 1..=ROUNDS {
        for (name, mix, callers) in COMPARED {
            before.closed(&format!("{name}, before, round {round}"), mix, callers).await;
            after.closed(&format!("{name}, after, round {round}"), mix, callers).await;
        }
    }
    before.finish().await;
    after.finish().await;
    report.rows.extend(apart.rows);
}

/// More servidores on one broker.
pub(crate) async fn servers(pace: Pace, report: &mut Report) {
    for (entrega, counts) in [("direta", &[1, 2, 8, 32][..]), ("difusao", &[1, 8, 32])] {
        for servers in counts {
            let setup = Setup {
                servers: *servers,
                postos: POSTOS,
                entrega,
                log: USUAL_LOG,
                door: Door::Open,
            };
            let mut bench = Bench::new(&setup, pace, report);
            let name = format!("{servers} servers, {entrega}");
            bench.closed(&name, Mix::Reserve, 64).await;
            if (*servers, entrega) == (32, "direta") {
                // As many callers for each servidor as in the case of two servidores and 64.
                bench.closed(&name, Mix::Reserve, 1024).await;
            }
            bench.finish().await;
        }
    }
    // 30 servidores without requests, to see what they cost the other two.
    let setup =
        Setup { servers: 32, postos: POSTOS, entrega: "direta", log: USUAL_LOG, door: Door::Open };
    let mut bench = Bench::new(&setup, pace, report);
    bench.workload = Arc::new(Workload::new(2, POSTOS));
    bench.closed("32 servers, 2 of them asked, direta", Mix::Reserve, 64).await;
    bench.finish().await;
}

/// A database with a long past and one without, in turns, so that both meet the same load of the
/// machine.
pub(crate) async fn history(pace: Pace, report: &mut Report) {
    let setup =
        Setup { servers: 1, postos: POSTOS, entrega: "direta", log: USUAL_LOG, door: Door::Open };
    let mut with = Bench::new(&setup, pace, report);
    with.add_history(&setup).await;
    let mut apart = Report::default();
    let mut without = Bench::new(&setup, pace, &mut apart);
    for round in 1..=ROUNDS {
        with.closed(&format!("a million past reservas, round {round}"), Mix::Reserve, 64).await;
        without.closed(&format!("no past, round {round}"), Mix::Reserve, 64).await;
    }
    with.finish().await;
    without.finish().await;
    report.rows.extend(apart.rows);
}

/// The cost of a log line for each request.
pub(crate) async fn logging(pace: Pace, report: &mut Report) {
    for log in ["warn", "info"] {
        let setup = Setup { servers: 2, postos: POSTOS, entrega: "difusao", log, door: Door::Open };
        let mut bench = Bench::new(&setup, pace, report);
        bench.closed(&format!("log at {log}"), Mix::Reserve, 64).await;
        bench.finish().await;
    }
}

/// A broker that lets everyone in, one where everyone logs in, and one with TLS as well, in turns.
pub(crate) async fn doors(pace: Pace, report: &mut Report) {
    let doors = [("open", Door::Open), ("logins", Door::Logins), ("TLS", Door::Tls)];
    let mut reports = [Report::default(), Report::default(), Report::default()];
    for entrega in ["difusao", "direta"] {
        let setup = |door| Setup { servers: 2, postos: POSTOS, entrega, log: USUAL_LOG, door };
        let worlds = doors.iter().zip(&mut reports);
        let mut benches: Vec<_> =
            worlds.map(|((_, door), report)| Bench::new(&setup(*door), pace, report)).collect();
        for round in 1..=ROUNDS {
            for ((name, _), bench) in doors.iter().zip(&mut benches) {
                let reserve = format!("POST /reservar, {entrega}, {name}, round {round}");
                bench.closed(&reserve, Mix::Reserve, 1).await;
                bench.closed(&reserve, Mix::Reserve, 64).await;
                let changed =
                    format!("POST /reservar, GET /postos, {entrega}, {name}, round {round}");
                bench.closed(&changed, Mix::Changed, 16).await;
            }
        }
        for bench in benches {
            bench.finish().await;
        }
    }
    report.rows.extend(reports.into_iter().flat_map(|apart| apart.rows));
}

/// What listeners cost those who reserve: with none, a hundred and a thousand, in turns. Reservas that
/// begin at once change their postos, which is sent to those who listen to all.
pub(crate) async fn events(pace: Pace, report: &mut Report) {
    let setup =
        Setup { servers: 2, postos: POSTOS, entrega: "difusao", log: USUAL_LOG, door: Door::Open };
    let cases = [
        ("POST /reservar", Mix::Reserve, 64, Listening::Reservas, "follow a reserva"),
        ("POST /reservar, GET /postos", Mix::Changed, 16, Listening::All, "listen to all"),
    ];
    for (name, mix, callers, listening, what) in cases {
        let mut bench = Bench::new(&setup, pace, report);
        for round in 1..=ROUNDS {
            for count in [0, 100, 1_000] {
                let addr = bench.addr();
                let listeners = listen(&bench.workload, listening, &addr, count).await;
                let name = format!("{name}, {count} {what}, round {round}");
                bench.closed(&name, mix, callers).await;
                drop(listeners);
            }
        }
        bench.finish().await;
    }
}
