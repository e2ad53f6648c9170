//! What can go wrong in the store. These texts are for the log, never for a driver.

use std::path::PathBuf;
use std::sync::Arc;

use domain::Rejection;

use super::files::not_writable::NotWritable;

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database folder cannot be made: {0}")]
    Folder(#[source] std::io::Error),
    /// Opening or reading failed.
    #[error("{0}")]
    Reading(#[from] sqlx::Error),
    #[error("{0}")]
    Writing(#[from] rusqlite::Error),
    #[error("a thread of the writer cannot be started: {0}")]
    Thread(#[source] std::io::Error),
    #[error("the database schema cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The file belongs to another servidor.
    #[error(
        "it holds the data of {owner}; give each servidor a file of its own, or SERVER_ID={owner}"
    )]
    WrongOwner { owner: String },
    /// Written by a release with another schema, or by another program.
    #[error(
        "its schema is not the one of this release, and nothing else may write to this file: restart the servidor, which migrates it"
    )]
    WrongSchema,
    /// Opened by a later release before.
    #[error("a newer release of the servidor has used it (schema {version}); run that one")]
    Newer { version: i64 },
    /// It is no database, or that of another program.
    #[error("it is not a database of a servidor ({0}); move it away, or name another file")]
    Foreign(String),
    /// The path leads to another file, or to none.
    #[error(
        "{} was moved, removed or replaced while this servidor ran: stop it before you do that", .path.display()
    )]
    Moved { path: PathBuf },
    /// The path leads to the file that is open, and something else is in it.
    #[error(
        "{} was overwritten while this servidor ran: stop it before you do that", .path.display()
    )]
    Overwritten { path: PathBuf },
    /// It is whole, and may be a mixture of two states with what this program remembers of it.
    #[error(
        "{} was changed by something other than SQLite while this servidor ran: stop it before you do that", .path.display()
    )]
    Changed { path: PathBuf },
    /// Pages that SQLite counts as checkpointed may not be on the disk, and no later sync says so.
    #[error(
        "the database file cannot be synced ({0}): restart the servidor, which writes again from the WAL what may be missing"
    )]
    NotSynced(#[source] std::io::Error),
    /// Its pages contradict each other.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// As `Damaged`, found at the start.
    #[error("it is damaged ({0}); replace it by a backup, with server restaurar")]
    NeedsRestore(String),
    /// Each time it was read without locks, another program has changed it meanwhile.
    #[error("programs come and go that change it while it is read; try again")]
    Unsettled,
    /// Found at the start.
    #[error(
        "it does not go together with the {} beside it, or is damaged ({reason}): if you have put a backup in its place, move that one away too", .wal.display()
    )]
    Mismatched { wal: PathBuf, reason: String },
    /// Found before anything is opened.
    #[error(
        "{} holds what was committed, and its database is missing or empty: put the database back beside it, or move it away to begin anew", .wal.display()
    )]
    WalAlone { wal: PathBuf },
    /// Where it is, this program cannot keep a database.
    #[error("{0}")]
    NotWritable(NotWritable),
    #[error("the files of the database cannot be used: {0}")]
    Files(#[source] std::io::Error),
    /// A row holds a value that this program never writes.
    #[error("the database holds an impossible value: {0}")]
    Corrupt(String),
    /// The read that several callers shared has failed.
    #[error("{0}")]
    Shared(#[source] Arc<StoreError>),
    #[error("a write has failed, and it is not known yet whether a restart finds it")]
    InDoubt,
    #[error("the store is closed")]
    Closed,
    /// The announcer has ended, or is about to: a change would not be published.
    #[error("the servidor stops")]
    Stopping,
}

impl StoreError {
    /// Whether this file must not be written to any more by the process that has it open.
    pub(super) fn ends_the_writer(&self) -> bool {
        matches!(
            self,
            Self::Moved { .. }
                | Self::Overwritten { .. }
                | Self::Changed { .. }
                | Self::NotSynced(_)
                | Self::WrongOwner { .. }
                | Self::WrongSchema
        )
    }

    /// Whether a single command caused it, by what it writes or finds, so that the others of its batch
    /// can still be written. A full or locked disk fails them all.
    pub(super) fn is_about_one_command(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::Writing(
                rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..),
            ) => true,
            Self::Writing(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
            }
            _ => false,
        }
    }
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("{0}")]
    Rejected(#[from] Rejection),
    #[error("the command is past its deadline")]
    Expired,
    #[error("the writer's queue is full")]
    Overloaded,
    /// Nothing was written. The log has the cause.
    #[error("the database cannot write")]
    Unavailable,
    /// A restart may find it written. The log has the cause.
    #[error("it is not known whether the database has written")]
    InDoubt,
}
