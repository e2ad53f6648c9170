//! One system under test, and what is measured of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::load::{closed, open};
use super::past;
use super::report::{Report, Row};
use super::stats::Stats;
use super::workload::{Mix, Workload};
use super::world::{Setup, Usage, World};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) length: Duration,
    pub(crate) warm_up: Duration,
}

/// One system under test.
pub(crate) struct Bench<'a> {
    pub(crate) world: World,
    pub(crate) workload: Arc<Workload>,
    pace: Pace,
    /// Reservas that were in the databases before.
    past: u64,
    /// At most so many reservas were made whose answer another generator did not wait for.
    unanswered: u64,
    pub(crate) report: &'a mut Report,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(setup: &Setup, pace: Pace, report: &'a mut Report) -> Self {
        Self::of(World::with(setup), setup, pace, report)
    }

    pub(crate) fn of(world: World, setup: &Setup, pace: Pace, report: &'a mut Report) -> Self {
        let workload = Arc::new(Workload::new(setup.servers, setup.postos));
        Self { world, workload, pace, past: 0, unanswered: 0, report }
    }

    pub(crate) fn addr(&self) -> String {
        self.world.gateways[0].addr.clone()
    }

    fn gateways(&self) -> Vec<String> {
        self.world.gateways.iter().map(|gateway| gateway.addr.clone()).collect()
    }

    /// Measures callers that send as fast as they are answered.
    pub(crate) async fn closed(&mut self, name: &str, mix: Mix, callers: usize) {
        let gateways = self.gateways();
        closed(&self.workload, mix, &gateways, callers, self.pace.warm_up).await;
        let before = self.world.usage();
        let stats = closed(&self.workload, mix, &gateways, callers, self.pace.length).await;
        self.add_row(name, callers, stats, &before);
    }

    /// Measures requests at a fixed rate.
    pub(crate) async fn open(&mut self, name: &str, mix: Mix, rate: f64) {
        let gateways = self.gateways();
        let before = self.world.usage();
        let stats = open(&self.workload, mix, &gateways, rate, self.pace.length).await;
        self.add_row(name, 0, stats, &before);
    }

    pub(crate) fn add_row(
        &mut self,
        name: &str,
        callers: usize,
        stats: Stats,
        before: &BTreeMap<&'static str, Usage>,
    ) {
        let mut usage = self.world.usage();
        for (kind, now) in &mut usage {
            now.cpu_seconds -= before[kind].cpu_seconds;
        }
        self.report.add(Row { name: name.to_owned(), callers, stats, usage });
    }

    /// Adds what another generator counted. Each of its callers may have left a request behind.
    pub(crate) fn made_elsewhere(&mut self, successes: u64, callers: usize) {
        self.workload.made.fetch_add(successes, Ordering::Relaxed);
        self.unanswered += callers as u64;
    }

    /// Checks that the databases hold exactly the reservas that were answered with success.
    pub(crate) async fn finish(mut self) {
        let made = self.past + self.workload.made.load(Ordering::Relaxed);
        let mut kept = 0;
        for number in (1..=self.world.servers.len()).rev() {
            self.world.stop_server(number - 1);
            let mut database = self.database(number).await;
            kept += count_reservas(&mut database).await;
        }
        let most = made + self.unanswered;
        assert!(
            (made..=most).contains(&kept),
            "{made} to {most} reservas answered with success, {kept} on disk"
        );
    }

    async fn database(&self, number: usize) -> SqliteConnection {
        let path = self.world.folder().join(format!("data/server{number}.db"));
        let options = SqliteConnectOptions::new().filename(path);
        SqliteConnection::connect_with(&options).await.expect("a database")
    }

    /// Gives the first servidor the past of a year.
    pub(crate) async fn add_history(&mut self, setup: &Setup) {
        self.world.stop_server(0);
        let mut database = self.database(1).await;
        past::add_year(&mut database).await;
        database.close().await.expect("it closes");
        self.past = past::HISTORY.unsigned_abs();
        self.world.add_server(1, setup.postos);
    }
}

/// Those that were made and not cancelled, of a database of this version or of one before, which has
/// no archive.
async fn count_reservas(database: &mut SqliteConnection) -> u64 {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE name IN ('reservas', 'archived_reservas')",
    )
    .fetch_all(&mut *database)
    .await
    .expect("the tables");
    let mut kept = 0;
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} WHERE status <> 'cancelada'");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_one(&mut *database)
            .await
            .expect("a count");
        kept += count.unsigned_abs();
    }
    kept
}
