//! Puts a backup in the place of the database, while the servidor is stopped.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use domain::Moment;
use rusqlite::{Connection, params};
use rustix::fs::FlockOperation;
use tempfile::TempPath;

use super::back_up::DatabaseSummary;
use super::restored_ids;
use crate::failpoints::{CrashPoint, crash_at};
use crate::store::audit::{Action, Author, INSERT, Target, audit_fields, row_of};
use crate::store::error::StoreError;
use crate::store::files::copies::{
    give_owner, new_beside, persist_new, remove_leftovers, sync_folder, write_complete,
};
use crate::store::files::in_use::{is_busy, open_without_waiting};
use crate::store::files::open_files::OpenFile;
use crate::store::files::paths::{COMPANIONS, aside, file_of, folder_of, with_suffix};
use crate::store::files::private::make_folder;
use crate::store::schema::{self, INTEGRITY_CHECK, Identity};
use crate::store::writer::TokenHash;

/// Why nothing was restored. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("the backup {path} does not exist, or is no file")]
    NoBackup { path: String },
    #[error("the backup {path} cannot be restored: {source}")]
    Backup { path: String, source: StoreError },
    #[error("{path} is the database itself")]
    Same { path: String },
    #[error(
        "DATABASE_URL names {path}, which a running program uses: stop the servidor, then restore"
    )]
    Running { path: String },
    #[error("DATABASE_URL names {path}, which cannot be replaced: {source}")]
    Database { path: String, source: StoreError },
}

/// What was done.
#[derive(Debug)]
pub struct Restored {
    pub summary: DatabaseSummary,
    /// The database that was there before.
    pub replaced: Option<Replaced>,
}

#[derive(Debug)]
pub struct Replaced {
    /// Where it is kept.
    pub path: PathBuf,
    /// `None` for one that is damaged.
    pub summary: Option<DatabaseSummary>,
}

/// Makes the database a copy of `backup`. At every moment the path leads to the old database or to
/// the new one, whole.
///
/// Tokens of the backup may have been revoked since; only the one with this hash stays valid.
///
/// # Errors
/// Nothing has changed.
pub fn restore(
    database: &Path,
    server_id: &str,
    backup: &Path,
    now: Moment,
    kept_token: Option<TokenHash>,
) -> Result<Restored, RestoreError> {
    let shown = backup.display().to_string();
    if !backup.is_file() {
        return Err(RestoreError::NoBackup { path: shown });
    }
    // A link leads to the file that is replaced, and stays.
    let target = file_of(database);
    if fs::canonicalize(backup).is_ok_and(|backup| backup == target) {
        return Err(RestoreError::Same { path: shown });
    }
    let source = open_backup(backup, server_id)
        .map_err(|source| RestoreError::Backup { path: shown, source })?;

    remove_leftovers(&target, server_id);
    let restored = prepare_new(&source, &target).and_then(|(new, summary)| {
        let audited = (now, kept_token, &summary);
        let replaced = replace(&target, server_id, new, audited)?;
        Ok(Restored { summary, replaced })
    });
    restored.map_err(|source| {
        let path = database.display().to_string();
        match source {
            StoreError::Writing(error) if is_busy(&error) => RestoreError::Running { path },
            StoreError::Moved { .. } => RestoreError::Running { path },
            source => RestoreError::Database { path, source },
        }
    })
}

/// Opens a file that may be restored: whole, of this servidor, and of no newer release.
fn open_backup(path: &Path, server_id: &str) -> Result<Connection, StoreError> {
    let (backup, _) = schema::open_unchanged(path)?;
    if schema::identify(&backup, server_id)? == Identity::Begun {
        return Err(StoreError::Foreign("it has no tables".to_owned()));
    }
    schema::integrity(&backup, INTEGRITY_CHECK)?;
    Ok(backup)
}

/// Writes the new database beside the old one. The servidor must be able to open it, whichever user
/// restores.
fn prepare_new(
    backup: &Connection,
    target: &Path,
) -> Result<(TempPath, DatabaseSummary), StoreError> {
    let folder = folder_of(target);
    make_folder(folder).map_err(StoreError::Folder)?;
    let new = new_beside(target)?;
    write_complete(backup, &new)?;
    let old = fs::metadata(target).map_err(StoreError::Files);
    if let Ok(old) = &old {
        fs::set_permissions(&new, old.permissions()).map_err(StoreError::Files)?;
    }
    let owner = old.or_else(|_| fs::metadata(folder).map_err(StoreError::Files))?;
    give_owner(&new, &owner).map_err(StoreError::Files)?;
    crash_at(CrashPoint::RestoreWritten);
    Ok((new, DatabaseSummary::of(backup)?))
}

/// Puts `new` in the place of what is at `target`, and keeps that.
fn replace(
    target: &Path,
    server_id: &str,
    new: TempPath,
    (now, kept_token, summary): (Moment, Option<TokenHash>, &DatabaseSummary),
) -> Result<Option<Replaced>, StoreError> {
    let revoke = |new: &Path| revoke_tokens(new, now, kept_token, summary);
    let kept = aside(target, now);
    if !target.exists() {
        // SQLite would take those of a database that was removed for those of the new one.
        move_companions(target, &kept)?;
        restored_ids::go_on_after(None, &new)?;
        revoke(&new)?;
        persist_new(new, target).map_err(|failed| StoreError::Files(failed.error))?;
        sync_folder(target)?;
        return Ok(None);
    }
    let opened = OpenFile::at(target.to_owned())?;
    let healthy = match schema::inspect(target, server_id) {
        Ok(_) | Err(StoreError::Newer { .. }) => true,
        Err(
            StoreError::Damaged(_) | StoreError::Mismatched { .. } | StoreError::WalAlone { .. },
        ) => false,
        Err(StoreError::Writing(error)) if schema::is_damage(&error) => false,
        Err(error) => return Err(error),
    };
    // Both keep every other program out until the new file is in place.
    let (old, _lock) = if healthy {
        (Some(out_of_use(target)?), None)
    } else {
        (None, Some(lock_damaged(target)?))
    };
    // Another `server restaurar` may have been first.
    if !opened.is_in_place().map_err(StoreError::Files)? {
        return Err(StoreError::Moved { path: target.to_owned() });
    }
    let summary = old.as_ref().and_then(|old| DatabaseSummary::of(old).ok());
    restored_ids::go_on_after(old.as_ref(), &new)?;
    // With an id that none had before.
    revoke(&new)?;
    keep(target, &kept)?;
    crash_at(CrashPoint::RestoreKept);
    put_in_place(target, &kept, new, healthy).inspect_err(|_| {
        let _ = fs::remove_file(&kept);
    })?;
    crash_at(CrashPoint::RestoreReplaced);
    Ok(Some(Replaced { path: kept, summary }))
}

fn put_in_place(
    target: &Path,
    kept: &Path,
    new: TempPath,
    healthy: bool,
) -> Result<(), StoreError> {
    if !healthy {
        move_companions(target, kept)?;
    }
    new.persist(target).map_err(|failed| StoreError::Files(failed.error))?;
    sync_folder(target)
}

/// The lock of a database that SQLite cannot open, which conflicts with those that SQLite has taken.
fn lock_damaged(path: &Path) -> Result<File, StoreError> {
    let options = File::options().read(true).write(true).open(path);
    let file = options.map_err(StoreError::Files)?;
    match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => {
            Err(StoreError::Moved { path: path.to_owned() })
        }
        Err(error) => Err(StoreError::Files(error.into())),
    }
}

/// Makes the database one complete file, and keeps every other program out of it while the
/// connection is open. SQLite does neither while another connection is open, in any process.
fn out_of_use(path: &Path) -> Result<Connection, StoreError> {
    let connection = open_without_waiting(path)?;
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(connection)
}

/// A backup of a release without tokens has none, and no audit.
fn revoke_tokens(
    new: &Path,
    now: Moment,
    kept: Option<TokenHash>,
    summary: &DatabaseSummary,
) -> Result<(), StoreError> {
    let mut new = Connection::open(new)?;
    let has_audit = new.prepare("SELECT 1 FROM auditoria").is_ok();
    if !has_audit {
        return Ok(());
    }
    let transaction = new.transaction()?;
    let now = now.as_millis();
    let by = Author::CommandLine;
    let restored = audit_fields! {"reservas": summary.reservas};
    let row = row_of(now, by.as_str(), Action::Restore, Target::Database, None, Some(&restored));
    transaction.execute(INSERT, row)?;
    let kept: &[u8] = kept.as_ref().map_or(&[], |hash| hash);
    let mut revoking = transaction.prepare(
        "UPDATE tokens SET revogado_em = ?1 WHERE revogado_em IS NULL AND hash <> ?2
         RETURNING nome, papel",
    )?;
    let revoked: Vec<(String, String)> = revoking
        .query_map(params![now, kept], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    drop(revoking);
    for (nome, papel) in revoked {
        let (target, before) = (Target::Token(&nome), audit_fields! {"papel": papel});
        let row = row_of(now, by.as_str(), Action::Revoke, target, Some(&before), None);
        transaction.execute(INSERT, row)?;
    }
    transaction.commit()?;
    new.close().map_err(|(_, error)| error.into())
}

/// Gives the file a second name, or copies it where there are no hard links.
fn keep(target: &Path, kept: &Path) -> Result<(), StoreError> {
    match fs::hard_link(target, kept) {
        Ok(()) => sync_folder(kept),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(StoreError::Files(error)),
        Err(_) => {
            fs::copy(target, kept).map_err(StoreError::Files)?;
            File::open(kept).and_then(|file| file.sync_all()).map_err(StoreError::Files)?;
            sync_folder(kept)
        }
    }
}

/// Moves the WAL or the journal of a database away from its name. Under the names that they get,
/// SQLite finds them together.
fn move_companions(target: &Path, kept: &Path) -> Result<(), StoreError> {
    for suffix in COMPANIONS {
        match fs::rename(with_suffix(target, suffix), with_suffix(kept, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::Files(error));
            }
            _ => {}
        }
    }
    Ok(())
}
