//! What can go wrong in the store. Its texts are for the log, never for a driver.

use std::sync::Arc;

use domain::Rejection;

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder could not be made.
    #[error("the database folder cannot be made: {0}")]
    Folder(#[source] std::io::Error),
    /// SQLite or its driver reported an error.
    #[error("{0}")]
    Sqlite(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what no code of ours writes.
    #[error("the database holds an impossible value: {0}")]
    Corrupt(String),
    /// The one look at the database that all waited for failed.
    #[error("{0}")]
    Shared(#[source] Arc<StoreError>),
    /// The store is no more.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether one command is at fault, so that others may still be written; a disk that is
    /// full or locked is so for all of them.
    pub(super) fn is_about_one_command(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            // SQLITE_CONSTRAINT and its kinds, see sqlite.org/rescode.html.
            Self::Sqlite(sqlx::Error::Database(error)) => {
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                code.is_some_and(|code| code & 0xff == 19)
            }
            Self::Shared(error) => error.is_about_one_command(),
            Self::Sqlite(_) | Self::Folder(_) | Self::Migration(_) | Self::Closed => false,
        }
    }
}

/// Why a write was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The domain refused it.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// Its caller has stopped waiting.
    #[error("the command is past its deadline")]
    Expired,
    /// Too many commands wait.
    #[error("the writer's queue is full")]
    Overloaded,
    /// The database cannot write; the log has the cause.
    #[error("the database cannot write")]
    Unavailable,
}
