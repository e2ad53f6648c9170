//! The schema and its history. A migration that was released never changes; a new one follows.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqliteConnection};

use super::StoreError;

const MIGRATIONS: [(i64, &str, &str); 5] = [
    (1, "initial", include_str!("../../migrations/0001_initial.sql")),
    (2, "clocks", include_str!("../../migrations/0002_clocks.sql")),
    (3, "postos_version", include_str!("../../migrations/0003_postos_version.sql")),
    (4, "refusals", include_str!("../../migrations/0004_refusals.sql")),
    (5, "owner", include_str!("../../migrations/0005_owner.sql")),
];

/// Brings a database up to date.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let migrations = MIGRATIONS.into_iter().map(|(version, description, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(version, description.into(), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect()).run(connection).await?;
    Ok(())
}
