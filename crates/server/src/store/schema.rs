//! The schema and its history. A released migration never changes; a new one follows it.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _};

use super::error::StoreError;
use crate::failpoints::{self, Bug};

const MIGRATIONS: [(i64, &str, &str); 5] = [
    (1, "initial", include_str!("../../migrations/0001_initial.sql")),
    (2, "clocks", include_str!("../../migrations/0002_clocks.sql")),
    (3, "postos_version", include_str!("../../migrations/0003_postos_version.sql")),
    (4, "refusals", include_str!("../../migrations/0004_refusals.sql")),
    (5, "owner", include_str!("../../migrations/0005_owner.sql")),
];

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
    connection.close().await?;
    Ok(())
}
