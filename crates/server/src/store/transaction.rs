//! The writer's transactions.
//!
//! Not the library's own: SQLite ends a transaction by itself when the disk is full or fails, the
//! library then still counts it as open, and every later one fails. The writer is one task that
//! nobody cancels, so the plain statements are safe.

use sqlx::SqliteConnection;

use super::StoreError;

/// Takes the write lock before anything is read, so that nothing read can change before it is
/// written.
pub(super) async fn begin(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("BEGIN IMMEDIATE").execute(connection).await?;
    Ok(())
}

/// All of it is on disk, or nothing.
pub(super) async fn commit(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// Nothing of it is left. It fails where SQLite has done it already.
pub(super) async fn roll_back(connection: &mut SqliteConnection) {
    let _ = sqlx::query("ROLLBACK").execute(connection).await;
}
