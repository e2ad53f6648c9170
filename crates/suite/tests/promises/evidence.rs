//! Reads the databases after a run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};

use super::history::{Finished, Micros, Session, Window, now, parse_micros};

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
    pub(crate) sessions: Vec<SessionRow>,
    /// How many reservas, changes and sessions are in the archive.
    pub(crate) archived: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct ReservaRow {
    pub(crate) id: i64,
    pub(crate) request_id: String,
    pub(crate) client_id: Option<String>,
    pub(crate) posto_id: i64,
    pub(crate) placa: String,
    pub(crate) window: Window,
    pub(crate) status: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    /// When this state began.
    pub(crate) desde: i64,
    pub(crate) livre_desde: Option<i64>,
    pub(crate) held_until: Option<i64>,
    pub(crate) preco: Micros,
    pub(crate) versao: i64,
    pub(crate) tolerancia: i64,
    pub(crate) aviso: Option<String>,
    /// What was first agreed, if it was something else.
    pub(crate) first: Option<Agreed>,
    /// What it was changed and moved to, in this order.
    pub(crate) changes: Vec<RowChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) posto_id: i64,
    pub(crate) window: Window,
}

#[derive(Debug, Clone)]
pub(crate) struct RowChange {
    pub(crate) at: i64,
    /// The request for it; `None` if the operator moved it.
    pub(crate) change_id: Option<String>,
    pub(crate) to: Agreed,
}

#[derive(Debug, Clone)]
pub(crate) struct SessionRow {
    pub(crate) session: Session,
    pub(crate) reserva_id: Option<i64>,
}

impl ReservaRow {
    /// From this moment it holds nothing, whatever its window.
    pub(crate) fn cancelled_at(&self) -> Option<i64> {
        (self.status == "cancelada").then_some(self.desde)
    }

    pub(crate) fn first(&self) -> Agreed {
        self.first.unwrap_or(Agreed { posto_id: self.posto_id, window: self.window })
    }
}

/// What has passed without a session held its posto until its end, and in the archive it is recorded that
/// it holds nothing more.
const RESERVAS: &str = "
    SELECT a.*, h.held_until, a.livre_desde AS left_at
    FROM all_reservas AS a JOIN reservas AS h ON h.id = a.id WHERE NOT a.is_archived
    UNION ALL
    SELECT a.*, CASE status WHEN 'encerrada' THEN fim END,
           CASE status WHEN 'encerrada' THEN NULL ELSE livre_desde END
    FROM all_reservas AS a WHERE is_archived ORDER BY id";

/// Reads the database of a servidor that has stopped.
pub(crate) async fn read(path: &Path) -> Database {
    let options = SqliteConnectOptions::new().filename(path);
    let mut database = SqliteConnection::connect_with(&options).await.expect("a database");
    let file = &mut database;
    let intact = rows(file, "PRAGMA integrity_check", |row| row.get::<String, _>(0)).await;
    assert_eq!(intact, ["ok"], "the database file is intact");
    let mut reservas = rows(file, RESERVAS, reserva_row).await;
    let places = reservas.iter().enumerate().map(|(place, row)| (row.id, place));
    let places: HashMap<i64, usize> = places.collect();
    for given in given(file).await {
        add_change(&mut reservas[places[&given.reserva_id]], given);
    }
    let requests = "SELECT request_id, NULL FROM all_reservas WHERE fingerprint IS NOT NULL
                    UNION ALL SELECT request_id, rejection FROM refusals";
    let requests = rows(file, requests, |row| (row.get(0), row.get(1))).await;
    let carros = rows(file, "SELECT placa FROM carros", |row| row.get(0)).await;
    let postos = rows(file, "SELECT id FROM postos", |row| row.get(0)).await;
    let sessions = rows(file, "SELECT * FROM all_carregamentos", session_row).await;
    let archived = "SELECT (SELECT count(*) FROM archived_reservas)
        + (SELECT count(*) FROM archived_carregamentos) + (SELECT count(*) FROM archived_alteracoes)";
    let archived: i64 = rows(file, archived, |row| row.get(0)).await[0];
    Database {
        read_at: now(),
        reservas,
        requests: requests.into_iter().collect(),
        carros: carros.into_iter().collect(),
        postos: postos.into_iter().collect(),
        sessions,
        archived: usize::try_from(archived).expect("a number"),
    }
}

async fn rows<T>(
    database: &mut SqliteConnection,
    sql: &'static str,
    read: impl Fn(&SqliteRow) -> T,
) -> Vec<T> {
    let found = sqlx::query(sql).fetch_all(database).await.expect("rows");
    found.iter().map(read).collect()
}

fn reserva_row(row: &SqliteRow) -> ReservaRow {
    let first: Option<String> = row.get("first_answer");
    ReservaRow {
        id: row.get("id"),
        request_id: row.get("request_id"),
        client_id: row.get("client_id"),
        posto_id: row.get("posto_id"),
        placa: row.get("placa"),
        window: (row.get("inicio"), row.get("fim")),
        status: row.get("status"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        desde: row.get("desde"),
        livre_desde: row.get("left_at"),
        held_until: row.get("held_until"),
        preco: stored_micros(row.get("preco_kwh")),
        versao: row.get("versao"),
        tolerancia: row.get("tolerancia"),
        aviso: row.get("aviso"),
        first: first.map(|json| {
            let (posto_id, inicio, fim, _): (i64, i64, i64, f64) =
                serde_json::from_str(&json).expect("a first answer");
            Agreed { posto_id, window: (inicio, fim) }
        }),
        changes: Vec::new(),
    }
}

fn session_row(row: &SqliteRow) -> SessionRow {
    let fim: Option<i64> = row.get("fim");
    let finished = fim.map(|fim| Finished {
        fim,
        energia: stored_micros(row.get("energia_fornecida")),
        custo: stored_micros(row.get("custo")),
    });
    SessionRow {
        session: Session {
            id: row.get("id"),
            posto_id: row.get("posto_id"),
            placa: row.get("placa"),
            inicio: row.get("inicio"),
            preco: stored_micros(row.get("preco_kwh")),
            finished,
        },
        reserva_id: row.get("reserva_id"),
    }
}

/// The number that was written, whose nearest binary fraction is stored.
fn stored_micros(number: f64) -> Micros {
    parse_micros(&number.to_string()).expect("at most six places")
}

/// What a reserva was given at some moment.
struct Given {
    at: i64,
    reserva_id: i64,
    change_id: Option<String>,
    posto_id: i64,
    /// A move leaves it as it is.
    window: Option<Window>,
}

/// What was changed, as the answers to changes say, and moved, as the audit says; in order of time.
async fn given(database: &mut SqliteConnection) -> Vec<Given> {
    let answers = "SELECT decided_at, reserva_id, request_id, answer FROM all_alteracoes
                   WHERE answer ->> 'rejection' IS NULL";
    let mut given = rows(database, answers, |row| {
        let answer: Value = serde_json::from_str(row.get("answer")).expect("an answer");
        let number = |name: &str| answer[name].as_i64().expect("a number");
        Given {
            at: row.get("decided_at"),
            reserva_id: row.get("reserva_id"),
            change_id: row.get("request_id"),
            posto_id: number("posto_id"),
            window: Some((number("inicio"), number("fim"))),
        }
    })
    .await;
    let moves = "SELECT quando, substr(alvo, length('reserva/') + 1) AS reserva,
                        depois ->> 'posto_id' AS posto_id
                 FROM auditoria WHERE acao = 'mover'";
    let moves = rows(database, moves, |row| Given {
        at: row.get("quando"),
        reserva_id: row.get::<String, _>("reserva").parse().expect("a number"),
        change_id: None,
        posto_id: row.get("posto_id"),
        window: None,
    });
    given.extend(moves.await);
    given.sort_by_key(|given| given.at);
    given
}

/// Appends what changed a reserva; the same values change nothing.
fn add_change(row: &mut ReservaRow, given: Given) {
    let before = row.changes.last().map_or(row.first(), |change| change.to);
    let window = given.window.unwrap_or(before.window);
    let to = Agreed { posto_id: given.posto_id, window };
    if to != before {
        row.changes.push(RowChange { at: given.at, change_id: given.change_id, to });
    }
}
