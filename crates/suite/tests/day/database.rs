//! What the servidor has on disk after the day.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

#[derive(Debug, Clone)]
pub(crate) struct ReservaRow {
    pub(crate) id: i64,
    pub(crate) request_id: String,
    pub(crate) client_id: String,
    pub(crate) posto: i64,
    pub(crate) placa: String,
    pub(crate) inicio: i64,
    pub(crate) fim: i64,
    pub(crate) status: String,
    pub(crate) desde: i64,
    pub(crate) livre_desde: Option<i64>,
    pub(crate) price: f64,
    pub(crate) versao: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// Posto, `inicio`, `fim` and price of the first answer, if one of them has changed.
    pub(crate) first: Option<(i64, i64, i64, f64)>,
}

#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) id: i64,
    pub(crate) posto: i64,
    pub(crate) placa: String,
    pub(crate) inicio: i64,
    pub(crate) fim: Option<i64>,
    pub(crate) energy: Option<f64>,
    pub(crate) cost: Option<f64>,
    pub(crate) price: f64,
    pub(crate) reserva: Option<i64>,
}

#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) reservas: Vec<ReservaRow>,
    pub(crate) sessions: Vec<SessionRow>,
}

const RESERVAS: &str =
    "SELECT id, request_id, client_id, posto_id, placa, inicio, fim, status, desde,
    CASE WHEN livre_desde < fim THEN livre_desde END, preco_kwh, versao, created_at, updated_at, first_answer FROM all_reservas ORDER BY id";
const SESSIONS: &str =
    "SELECT id, posto_id, placa, inicio, fim, energia_fornecida, custo, preco_kwh,
    reserva_id FROM all_carregamentos ORDER BY id";

/// Reads the database of a servidor that has stopped.
pub(crate) fn read(path: &Path) -> Database {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = Connection::open_with_flags(path, flags).expect("a database");
    let intact: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(intact, "ok", "the database file is intact");
    Database {
        reservas: rows(&database, RESERVAS, reserva),
        sessions: rows(&database, SESSIONS, session),
    }
}

fn rows<T>(database: &Connection, sql: &str, read: fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let mut statement = database.prepare(sql).expect("a statement");
    let rows = statement.query_map([], read).expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

fn reserva(row: &Row<'_>) -> rusqlite::Result<ReservaRow> {
    let first: Option<String> = row.get(14)?;
    Ok(ReservaRow {
        id: row.get(0)?,
        request_id: row.get(1)?,
        client_id: row.get(2)?,
        posto: row.get(3)?,
        placa: row.get(4)?,
        inicio: row.get(5)?,
        fim: row.get(6)?,
        status: row.get(7)?,
        desde: row.get(8)?,
        livre_desde: row.get(9)?,
        price: row.get(10)?,
        versao: row.get(11)?,
        created_at: row.get(12)?,
        updated_at: row.get(13)?,
        first: first.map(|json| serde_json::from_str(&json).expect("a first answer")),
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: row.get(0)?,
        posto: row.get(1)?,
        placa: row.get(2)?,
        inicio: row.get(3)?,
        fim: row.get(4)?,
        energy: row.get(5)?,
        cost: row.get(6)?,
        price: row.get(7)?,
        reserva: row.get(8)?,
    })
}
