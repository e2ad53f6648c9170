//! Ids that were given after a backup are not given anew by what is restored from it.

use std::path::Path;

use rusqlite::{Connection, params};

use super::error::StoreError;

/// Each table with ids, and how many may have been given since the backup where nothing is left
/// that says how many: of reservas ten a second for a day.
const TABLES: [(&str, i64); 5] = [
    ("postos", 10_000),
    ("reservas", 1_000_000),
    ("carregamentos", 1_000_000),
    ("tokens", 10_000),
    ("auditoria", 1_000_000),
];

/// Goes on after the newest ids of the database that is replaced.
pub(super) fn go_on_after(old: &Connection, new: &Path) -> Result<(), StoreError> {
    let new = Connection::open(new)?;
    for (table, _) in TABLES {
        if let Ok(newest) = newest(old, table) {
            raise(&new, table, newest)?;
        }
    }
    new.close().map_err(|(_, error)| error.into())
}

/// Leaves out as many ids as may have been given since the backup.
pub(super) fn leave_out(new: &Path) -> Result<(), StoreError> {
    let new = Connection::open(new)?;
    for (table, given) in TABLES {
        // A backup of an older release does not have each.
        if let Ok(newest) = newest(&new, table) {
            raise(&new, table, newest + given)?;
        }
    }
    new.close().map_err(|(_, error)| error.into())
}

fn newest(database: &Connection, table: &str) -> rusqlite::Result<i64> {
    // Before schema 8 the ids of some are no sequence.
    let newest = format!(
        "SELECT max(COALESCE((SELECT max(id) FROM {table}), 0),
                    COALESCE((SELECT seq FROM sqlite_sequence WHERE name = '{table}'), 0))"
    );
    database.query_row(&newest, [], |row| row.get(0))
}

fn raise(database: &Connection, table: &str, newest: i64) -> rusqlite::Result<()> {
    let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = ?2";
    if newest > 0 && database.execute(sql, params![newest, table])? == 0 {
        let sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (?2, ?1)";
        database.execute(sql, params![newest, table])?;
    }
    Ok(())
}
