//! Ids that were given after a backup are not given anew by what is restored from it.

use std::path::Path;

use rusqlite::{Connection, params};

use crate::store::error::StoreError;

/// Each table with ids, and how many may have been given since the backup where nothing is left
/// that says how many: of reservas ten a second for a day.
const TABLES: [(&str, i64); 5] = [
    ("postos", 10_000),
    ("reservas", 1_000_000),
    ("carregamentos", 1_000_000),
    ("tokens", 10_000),
    ("auditoria", 1_000_000),
];

/// Goes on after the newest ids of the database that is replaced. Unless that is a later state of
/// the backup, as many are left out as may have been given since: it may have been made anew, or
/// have been put there by hand, after the one that gave them was lost.
pub(in crate::store) fn go_on_after(
    old: Option<&Connection>,
    new: &Path,
) -> Result<(), StoreError> {
    let new = Connection::open(new)?;
    let is_known = old
        .is_some_and(|old| goes_on_from(old, &new).unwrap_or(false) && has_the_newest(old, &new));
    for (table, given) in TABLES {
        let in_old = old.and_then(|old| newest(old, table).ok());
        // A release of before does not have each.
        if let Some(newest) = newest(&new, table).ok().max(in_old) {
            raise(&new, table, if is_known { newest } else { newest + given })?;
        }
    }
    new.close().map_err(|(_, error)| error.into())
}

/// Whether two files began as one database, and the later one has given every id that the earlier
/// one has given.
///
/// # Errors
/// One of them cannot be read, or is no database of a servidor.
pub(in crate::store) fn goes_on_from(
    later: &Connection,
    earlier: &Connection,
) -> rusqlite::Result<bool> {
    let has_all = |&(table, _): &(&str, i64)| {
        newest(later, table).unwrap_or(0) >= newest(earlier, table).unwrap_or(0)
    };
    Ok(began(later)? == began(earlier)? && TABLES.iter().all(has_all))
}

/// When a database was made, and how many nanoseconds that took: no two have both in common.
fn began(database: &Connection) -> rusqlite::Result<(String, i64)> {
    let sql = "SELECT CAST(installed_on AS TEXT), execution_time FROM _sqlx_migrations
               WHERE version = 1";
    database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Whether the newest reserva and the newest row of the audit are there too. None is ever removed,
/// but a reserva goes into the archive, and may come back from it.
fn has_the_newest(later: &Connection, earlier: &Connection) -> bool {
    let kinds: [(&[&str], &str); 2] =
        [(&["reservas", "archived_reservas"], "created_at"), (&["auditoria"], "quando")];
    kinds.into_iter().all(|(tables, at)| {
        let newest = tables.iter().filter_map(|table| {
            let sql = format!("SELECT id, {at} FROM {table} ORDER BY id DESC LIMIT 1");
            // Without a row none was made, and without the table that release made none.
            earlier.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).ok()
        });
        newest.max().is_none_or(|(id, when): (i64, i64)| {
            tables.iter().any(|table| {
                let sql = format!("SELECT 1 FROM {table} WHERE id = ?1 AND {at} = ?2");
                later.query_row(&sql, [id, when], |_| Ok(())).is_ok()
            })
        })
    })
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
