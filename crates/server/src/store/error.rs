//! What can go wrong in the store. Its texts are for the log, never for a driver.

use std::sync::Arc;

use domain::Rejection;

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Its folder could not be made.
    #[error("the database folder cannot be made: {0}")]
    Folder(#[source] std::io::Error),
    /// Reading failed, or opening the file.
    #[error("{0}")]
    Reading(#[from] sqlx::Error),
    /// Writing failed.
    #[error("{0}")]
    Writing(#[from] rusqlite::Error),
    /// The writer's thread could not be started.
    #[error("the writer cannot be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The file is another servidor's.
    #[error(
        "it holds the data of {owner}; give each servidor a file of its own, or SERVER_ID={owner}"
    )]
    AnothersFile {
        /// Whose it is.
        owner: String,
    },
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
            Self::Writing(error) => {
                error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
            }
            Self::Folder(_)
            | Self::AnothersFile { .. }
            | Self::Reading(_)
            | Self::Thread(_)
            | Self::Migration(_)
            | Self::Shared(_)
            | Self::Closed => false,
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
