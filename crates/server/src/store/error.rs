//! What can go wrong in the store. Its texts are for the log, never for a driver.

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
