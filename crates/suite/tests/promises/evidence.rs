//! Reads the databases after a run.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::history::{Window, now};

/// The databases by `server_id`.
pub(crate) type Evidence = BTreeMap<String, Database>;

#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) read_at: i64,
    pub(crate) reservas: Vec<ReservaRow>,
    /// Decided requests by `request_id`: the stored refusal, or `None` for a reserva.
    pub(crate) requests: BTreeMap<String, Option<String>>,
    pub(crate) carros: HashSet<String>,
    pub(crate) postos: HashSet<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct ReservaRow {
    pub(crate) id: i64,
    pub(crate) request_id: String,
    pub(crate) posto_id: i64,
    pub(crate) placa: String,
    pub(crate) window: Window,
    pub(crate) status: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl ReservaRow {
    /// From this moment it holds nothing, whatever its window.
    pub(crate) fn cancelled_at(&self) -> Option<i64> {
        (self.status == "cancelada").then_some(self.updated_at)
    }
}

type RawRow = (i64, String, i64, String, i64, i64, String, i64, i64);

/// Reads the database of a servidor that has stopped.
pub(crate) async fn read(path: &Path) -> Database {
    let options = SqliteConnectOptions::new().filename(path);
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    let reservas: Vec<RawRow> = sqlx::query_as(
        "SELECT id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at
         FROM reservas",
    )
    .fetch_all(&mut database)
    .await
    .expect("the reservas");
    let requests: Vec<(String, Option<String>)> = sqlx::query_as(
        "SELECT request_id, NULL FROM reservas WHERE fingerprint IS NOT NULL
             UNION ALL SELECT request_id, rejection FROM refusals",
    )
    .fetch_all(&mut database)
    .await
    .expect("the requests");
    let carros: Vec<String> = sqlx::query_scalar("SELECT placa FROM carros")
        .fetch_all(&mut database)
        .await
        .expect("the carros");
    let postos: Vec<i64> = sqlx::query_scalar("SELECT id FROM postos")
        .fetch_all(&mut database)
        .await
        .expect("the postos");
    let intact: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut database)
        .await
        .expect("a check");
    assert_eq!(intact, "ok", "the database file is intact");
    Database {
        read_at: now(),
        reservas: reservas.into_iter().map(row).collect(),
        requests: requests.into_iter().collect(),
        carros: carros.into_iter().collect(),
        postos: postos.into_iter().collect(),
    }
}

fn row(raw: RawRow) -> ReservaRow {
    let (id, request_id, posto_id, placa, inicio, fim, status, created_at, updated_at) = raw;
    let window = (inicio, fim);
    ReservaRow { id, request_id, posto_id, placa, window, status, created_at, updated_at }
}
