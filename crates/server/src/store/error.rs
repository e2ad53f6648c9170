//! What can go wrong in the store. These texts are for the log, never for a driver.

use std::sync::Arc;

use domain::Rejection;

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
    /// A row holds a value that this program never writes.
    #[error("the database holds an impossible value: {0}")]
    Corrupt(String),
    /// The read that several callers shared has failed.
    #[error("{0}")]
    Shared(#[source] Arc<StoreError>),
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether a single command caused it, so that the others of its batch can still be written.
    /// A full or locked disk fails them all.
    pub(super) fn is_about_one_command(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
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
    /// The log has the cause.
    #[error("the database cannot write")]
    Unavailable,
}
