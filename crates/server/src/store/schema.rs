//! The schema and its history. A released migration never changes; a new one follows it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};

use super::error::StoreError;
use super::files::paths::{file_of, with_suffix};
use crate::failpoints::{self, Bug};

const MIGRATIONS: [(i64, &str, &str); 13] = [
    (1, "initial", include_str!("../../migrations/0001_initial.sql")),
    (2, "clocks", include_str!("../../migrations/0002_clocks.sql")),
    (3, "postos_version", include_str!("../../migrations/0003_postos_version.sql")),
    (4, "refusals", include_str!("../../migrations/0004_refusals.sql")),
    (5, "owner", include_str!("../../migrations/0005_owner.sql")),
    (6, "postos_version_random", include_str!("../../migrations/0006_postos_version_random.sql")),
    (7, "two_states", include_str!("../../migrations/0007_two_states.sql")),
    (8, "people", include_str!("../../migrations/0008_people.sql")),
    (9, "reserva_states", include_str!("../../migrations/0009_reserva_states.sql")),
    (10, "archive", include_str!("../../migrations/0010_archive.sql")),
    (11, "estatisticas", include_str!("../../migrations/0011_estatisticas.sql")),
    (12, "no_statement_journal", include_str!("../../migrations/0012_no_statement_journal.sql")),
    (13, "corrected_sessions", include_str!("../../migrations/0013_corrected_sessions.sql")),
];

pub(super) const READ_ONLY: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Also whether indexes and tables agree; a million reservas take seconds.
pub(super) const INTEGRITY_CHECK: &str = "PRAGMA integrity_check(1)";
/// A million reservas take less than a second.
pub(super) const QUICK_CHECK: &str = "PRAGMA quick_check(1)";

/// The newest migration.
pub(super) const VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Refuses the file of another servidor, of a newer release or of another program, and a WAL whose
/// database is not there, before anything is changed. Returns whether there is a database.
pub(super) fn inspect(path: &Path, server_id: &str) -> Result<bool, StoreError> {
    let has_content = has_content(path);
    if has_content {
        let (connection, wal) = open_unchanged(path)?;
        // After a crash SQLite takes any WAL for that of this file. The WAL is written last, unless
        // a checkpoint was: a file that changed later may be a backup that somebody put there.
        if let Some(wal) = wal
            && last_change(path)? > last_change(&wal)?
        {
            integrity(&connection, INTEGRITY_CHECK).map_err(|error| match error {
                StoreError::Damaged(reason) => StoreError::Mismatched { wal, reason },
                other => other,
            })?;
        }
        identify(&connection, server_id)?;
    } else {
        find_wal(path)?;
    }
    Ok(has_content)
}

/// What a file is, that is no database of another servidor or program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// It is empty, or a first start was cut off before it made a table.
    Begun,
    /// It has the tables of a servidor.
    Complete,
}

/// Reads whose file it is.
///
/// # Errors
/// It is that of another servidor, of a newer release or of another program.
pub(super) fn identify(connection: &Connection, server_id: &str) -> Result<Identity, StoreError> {
    let tables = tables(connection).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(error.to_string()),
        // Locked, damaged or not readable: moving it away would be the wrong advice.
        _ => error.into(),
    })?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    // A first start that was cut off may have left only the table of migrations.
    let is_begun = tables == ["_sqlx_migrations"];
    if tables.is_empty() || (is_begun && version(connection)? == 0) {
        return Ok(Identity::Begun);
    }
    if !has("_sqlx_migrations") || !has("postos") {
        return Err(StoreError::Foreign(format!("it has the tables {}", tables.join(", "))));
    }
    if has("owner") {
        check_owner(connection, server_id)?;
    }
    let version = version(connection)?;
    if version > VERSION {
        return Err(StoreError::Newer { version });
    }
    Ok(Identity::Complete)
}

/// Whether a file that was open all the time still has the schema of this release and the data of
/// this servidor.
pub(super) fn verify(connection: &Connection, server_id: &str) -> Result<(), StoreError> {
    match version(connection) {
        Ok(VERSION) => check_owner(connection, server_id),
        Ok(_) => Err(StoreError::WrongSchema),
        // No such table.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => {
            Err(StoreError::WrongSchema)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the file and its WAL, as another program would read them now, are one database.
pub(super) fn check_integrity(path: &Path, check: &str) -> Result<(), StoreError> {
    integrity(&Connection::open_with_flags(path, READ_ONLY)?, check)
}

/// When the file was last written or put where it is; nobody can set this time back.
fn last_change(path: &Path) -> Result<(i64, i64), StoreError> {
    let found = fs::metadata(path).map_err(StoreError::Files)?;
    Ok((found.ctime(), found.ctime_nsec()))
}

pub(super) fn integrity(connection: &Connection, check: &str) -> Result<(), StoreError> {
    let found = connection.query_row(check, [], |row| row.get(0));
    match found {
        Ok(text) if text == "ok" => Ok(()),
        Ok(text) => Err(StoreError::Damaged(text)),
        Err(error) if is_damage(&error) => Err(StoreError::Damaged(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Opens a file without making or changing any other file beside it, unless a WAL is there that
/// must be read; also the path of that.
pub(super) fn open_unchanged(path: &Path) -> Result<(Connection, Option<PathBuf>), StoreError> {
    if let Some(wal) = find_wal(path)? {
        return Ok((Connection::open_with_flags(path, READ_ONLY)?, Some(wal)));
    }
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    Ok((Connection::open_with_flags(uri, READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?, None))
}

/// The WAL of a database, if there is something in it.
///
/// # Errors
/// The database is missing or empty. SQLite would remove the WAL, and with it what was committed
/// and is not in the database yet.
fn find_wal(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    // SQLite puts the WAL beside the file that a symbolic link leads to.
    let wal = Some(with_suffix(&file_of(path), "-wal")).filter(|wal| has_content(wal));
    match wal {
        Some(wal) if !has_content(path) => Err(StoreError::WalAlone { wal }),
        wal => Ok(wal),
    }
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    connection.prepare(names)?.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let newest = "SELECT COALESCE(max(version), 0) FROM _sqlx_migrations";
    connection.query_row(newest, [], |row| row.get(0))
}

fn check_owner(connection: &Connection, server_id: &str) -> Result<(), StoreError> {
    let mut owners = connection.prepare("SELECT server_id FROM owner")?;
    for owner in owners.query_map([], |row| row.get::<_, String>(0))? {
        let owner = owner?;
        if owner != server_id {
            return Err(StoreError::WrongOwner { owner });
        }
    }
    Ok(())
}

/// Creates the file if needed, migrates it, and checks its owner: the first servidor to open it.
pub(super) async fn prepare(
    options: &SqliteConnectOptions,
    server_id: &str,
) -> Result<(), StoreError> {
    let mut connection = options.connect().await?;
    let migrations = MIGRATIONS.into_iter().map(|(version, description, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(version, description.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect()).run(&mut connection).await?;
    let owner: Option<String> =
        sqlx::query_scalar("SELECT server_id FROM owner").fetch_optional(&mut connection).await?;
    match owner {
        None => {
            sqlx::query("INSERT INTO owner (id, server_id) VALUES (1, ?1)")
                .bind(server_id)
                .execute(&mut connection)
                .await?;
        }
        Some(owner) if owner != server_id => return Err(StoreError::WrongOwner { owner }),
        Some(_) => {}
    }
    if failpoints::has(Bug::Overlap) {
        for trigger in ["insert", "update"] {
            let sql = format!("DROP TRIGGER IF EXISTS reservas_never_overlap_on_{trigger}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
    }
    if failpoints::has(Bug::RepeatedVersion) {
        let counting = "DROP TRIGGER postos_version_on_update;
            CREATE TRIGGER postos_version_on_update AFTER UPDATE ON postos
            BEGIN UPDATE postos_version SET version = version + 1; END;";
        sqlx::raw_sql(counting).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(())
}
