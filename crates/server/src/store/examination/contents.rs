//! What is in a database.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use domain::Moment;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};

use crate::store::error::StoreError;
use crate::store::files::beside_others::read_beside_others;
use crate::store::files::diagnosis;
use crate::store::schema::{self, INTEGRITY_CHECK, QUICK_CHECK};

/// Where the header of a database says how it is written, and what it says in WAL mode.
const WRITE_VERSION: usize = 18;
const WAL: u8 = 2;

/// The database of a servidor.
#[derive(Debug)]
pub struct Contents {
    pub version: i64,
    /// The schema of this release.
    pub newest_version: i64,
    pub is_in_wal_mode: bool,
    pub bytes: u64,
    pub free_bytes: u64,
    /// What was forgotten may still be in the file.
    pub is_vacuum_due: bool,
    pub last_write: Option<Moment>,
    /// It has or had a posto; true where that was not read.
    pub had_postos: bool,
    pub tokens: TokenHashes,
    pub integrity: Integrity,
    /// `None`: not looked for.
    pub broken_promises: Option<BrokenPromises>,
}

/// The hashes of the tokens of the admin API.
#[derive(Debug, Clone, Default)]
pub struct TokenHashes {
    pub valid: Vec<[u8; 32]>,
    pub revoked: Vec<[u8; 32]>,
}

/// How many rows no servidor writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BrokenPromises {
    /// Rows whose foreign key leads nowhere.
    pub keys: i64,
    /// Reservas that hold a posto that another holds.
    pub overlaps: i64,
    /// Rows that are archived and are not, and requests that are both.
    pub doubled: i64,
}

/// Whether the pages of the file agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    Whole,
    Damaged(String),
    /// The time was over.
    Unknown,
}

/// Reads a database that exists. With a limit the check of its pages is a quick one, and ends then.
///
/// # Errors
/// It cannot be opened, or is not that of this servidor.
pub fn examine_contents(
    path: &Path,
    server_id: &str,
    limit: Option<Duration>,
) -> Result<Contents, StoreError> {
    read(path, server_id, limit).map_err(|error| diagnosis::explain(path, damage(error)))
}

fn read(path: &Path, server_id: &str, limit: Option<Duration>) -> Result<Contents, StoreError> {
    let begun = Instant::now();
    let mut contents = read_beside_others(path, server_id, |connection| {
        let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
        read_contents(connection, left)
    })??;
    // While SQLite does not have the file open: the end of this read releases all locks of this
    // process on it. Afterwards, because a program may have started meanwhile.
    contents.is_in_wal_mode = is_in_wal_mode(path)?;
    Ok(contents)
}

fn read_contents(connection: &Connection, limit: Option<Duration>) -> Result<Contents, StoreError> {
    let version = schema::version(connection)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let bytes = |pages: i64, page: i64| u64::try_from(pages.saturating_mul(page)).unwrap_or(0);
    let page = number("PRAGMA page_size")?;
    let mut contents = Contents {
        version,
        newest_version: schema::VERSION,
        is_in_wal_mode: false,
        bytes: bytes(number("PRAGMA page_count")?, page),
        free_bytes: bytes(number("PRAGMA freelist_count")?, page),
        is_vacuum_due: false,
        last_write: None,
        had_postos: true,
        tokens: TokenHashes::default(),
        integrity: check_pages(connection, limit)?,
        broken_promises: None,
    };
    // Older ones have other tables, until they are migrated; damaged ones may have anything.
    if version == schema::VERSION && contents.integrity != Integrity::Unknown {
        read_rows(connection, &mut contents).or_else(|error| match &contents.integrity {
            Integrity::Damaged(_) => Ok(()),
            _ => Err(error),
        })?;
        if limit.is_none() && contents.integrity == Integrity::Whole {
            contents.broken_promises = Some(broken_promises(connection)?);
        }
    }
    Ok(contents)
}

fn damage(error: StoreError) -> StoreError {
    match error {
        StoreError::Writing(error) if schema::is_damage(&error) => {
            StoreError::Damaged(error.to_string())
        }
        other => other,
    }
}

fn is_in_wal_mode(path: &Path) -> Result<bool, StoreError> {
    let mut header = [0; WRITE_VERSION + 1];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.map_err(StoreError::Files)?;
    Ok(header[WRITE_VERSION] == WAL)
}

/// In one read of the file, which keeps the WAL from being emptied as long as it takes.
fn check_pages(connection: &Connection, limit: Option<Duration>) -> Result<Integrity, StoreError> {
    let check = if limit.is_some() { QUICK_CHECK } else { INTEGRITY_CHECK };
    let (done, is_done) = mpsc::channel::<()>();
    let handle = connection.get_interrupt_handle();
    let checked = std::thread::scope(|scope| {
        if let Some(limit) = limit {
            scope.spawn(move || {
                let mut wait = limit;
                // What has not begun yet cannot be interrupted.
                while is_done.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout) {
                    handle.interrupt();
                    wait = Duration::from_millis(10);
                }
            });
        }
        let checked = schema::integrity(connection, check);
        drop(done);
        checked
    });
    match checked {
        Ok(()) => Ok(Integrity::Whole),
        Err(StoreError::Damaged(reason)) => Ok(Integrity::Damaged(reason)),
        Err(StoreError::Writing(error))
            if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
        {
            Ok(Integrity::Unknown)
        }
        Err(error) => Err(error),
    }
}

fn read_rows(connection: &Connection, contents: &mut Contents) -> Result<(), StoreError> {
    let due = connection.query_row("SELECT 1 FROM vacuum_due", [], |_| Ok(())).optional()?;
    contents.is_vacuum_due = due.is_some();
    // The latest of each kind; those that are found without reading whole tables.
    let latest = "SELECT max(at) FROM (
        SELECT max(at) AS at FROM writer_probe
        UNION ALL SELECT updated_at FROM reservas WHERE id = (SELECT max(id) FROM reservas)
        UNION ALL SELECT quando FROM auditoria WHERE id = (SELECT max(id) FROM auditoria)
        UNION ALL SELECT max(updated_at) FROM carros)";
    let latest: Option<i64> = connection.query_row(latest, [], |row| row.get(0))?;
    contents.last_write = latest.map(Moment::from_millis);
    let postos = "SELECT EXISTS (SELECT 1 FROM postos)";
    contents.had_postos = connection.query_row(postos, [], |row| row.get(0))?;
    let tokens = |condition: &str| -> rusqlite::Result<Vec<[u8; 32]>> {
        let hashes = format!("SELECT hash FROM tokens WHERE revogado_em {condition}");
        connection.prepare(&hashes)?.query_map([], |row| row.get(0))?.collect()
    };
    contents.tokens = TokenHashes { valid: tokens("IS NULL")?, revoked: tokens("IS NOT NULL")? };
    Ok(())
}

fn broken_promises(connection: &Connection) -> Result<BrokenPromises, StoreError> {
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get(0));
    let keys = count("SELECT count(*) FROM pragma_foreign_key_check")?;
    let overlaps = count(
        "SELECT count(*) FROM (
            SELECT held_from, max(held_until) OVER (
                PARTITION BY posto_id ORDER BY held_from, id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS held_before
            FROM reservas WHERE held_until IS NOT NULL)
        WHERE held_before > held_from",
    )?;
    // Neither table has a constraint that sees the other.
    let doubled = count(
        "SELECT (SELECT count(*) FROM reservas AS r
                 WHERE EXISTS (SELECT 1 FROM archived_reservas WHERE id = r.id)
                    OR EXISTS (SELECT 1 FROM archived_reservas WHERE request_id = r.request_id))
              + (SELECT count(*) FROM carregamentos AS c
                 WHERE EXISTS (SELECT 1 FROM archived_carregamentos WHERE id = c.id))
              + (SELECT count(*) FROM alteracoes AS a
                 WHERE EXISTS (SELECT 1 FROM archived_alteracoes WHERE request_id = a.request_id))",
    )?;
    Ok(BrokenPromises { keys, overlaps, doubled })
}
