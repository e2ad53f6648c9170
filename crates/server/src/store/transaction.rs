//! The writer's transactions.
//!
//! Not the library's own: SQLite ends a transaction by itself when the disk is full or fails, the
//! library then still counts it as open, and every later one fails. The writer is one task that
//! nobody cancels, so the plain statements are safe.

use sqlx::SqliteConnection;

use super::StoreError;

/// Put before the first statement of a transaction. It takes the write lock before anything is
/// read, so that nothing read can change before it is written.
macro_rules! begin {
    ($first:expr) => {
        concat!("BEGIN IMMEDIATE; ", $first)
    };
}
pub(super) use begin;

/// Put after the last statement of a transaction.
macro_rules! commit {
    ($last:expr) => {
        concat!($last, "; COMMIT")
    };
}
pub(super) use commit;

/// A transaction of the writer. A trip to SQLite's thread costs more than to begin or to commit,
/// so a statement may do that on its way.
pub(super) struct Transaction<'a> {
    connection: &'a mut SqliteConnection,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    ToBegin,
    Begun,
    Committed,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(connection: &'a mut SqliteConnection) -> Self {
        Self { connection, stage: Stage::ToBegin }
    }

    /// The connection inside the transaction, which is begun if it has not been.
    pub(super) async fn inside(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.stage == Stage::ToBegin {
            sqlx::query(begin!("")).execute(&mut *self.connection).await?;
            self.stage = Stage::Begun;
        }
        Ok(self.connection)
    }

    /// The connection for a statement, and which one: `begins` if it has to begin the
    /// transaction, `goes_on` if not.
    pub(super) fn begin_with(
        &mut self,
        begins: &'static str,
        goes_on: &'static str,
    ) -> (&mut SqliteConnection, &'static str) {
        match std::mem::replace(&mut self.stage, Stage::Begun) {
            Stage::ToBegin => (self.connection, begins),
            Stage::Begun | Stage::Committed => (self.connection, goes_on),
        }
    }

    /// The connection for a statement that commits.
    pub(super) fn commit_with(&mut self) -> &mut SqliteConnection {
        self.stage = Stage::Committed;
        self.connection
    }

    /// All of it is on disk, or nothing.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        if self.stage == Stage::Begun {
            sqlx::query("COMMIT").execute(self.connection).await?;
        }
        Ok(())
    }
}

/// Nothing of it is left. It fails where SQLite has done it already.
pub(super) async fn roll_back(connection: &mut SqliteConnection) {
    let _ = sqlx::query("ROLLBACK").execute(connection).await;
}
