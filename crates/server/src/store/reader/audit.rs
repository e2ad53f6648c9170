//! What was changed by whom.

use domain::Moment;

use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::row;

/// Which rows of the audit to list, newest first; a field that is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    pub quem: Option<String>,
    pub acao: Option<String>,
    pub alvo: Option<String>,
    /// Only changes at this moment or later.
    pub from: Option<Moment>,
    /// Only changes before this moment.
    pub until: Option<Moment>,
    /// Only those with a smaller id, for the next page.
    pub before: Option<i64>,
    pub limit: i64,
}

row! {
    /// A change.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AuditRow {
        pub id: i64,
        /// Milliseconds since 1970 UTC.
        pub quando: i64,
        pub quem: String,
        pub acao: String,
        pub alvo: String,
        /// A JSON object.
        pub antes: Option<String>,
        /// A JSON object.
        pub depois: Option<String>,
    }
}

impl Store {
    /// The changes that match, newest first.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        self.check_not_in_doubt()?;
        // Only a target has an index.
        let from = if query.alvo.is_some() { "alvo = ?1" } else { "?1 IS NULL" };
        let sql = format!(
            "SELECT * FROM auditoria
             WHERE {from} AND (?2 IS NULL OR quem = ?2) AND (?3 IS NULL OR acao = ?3)
               AND (?4 IS NULL OR quando >= ?4) AND (?5 IS NULL OR quando < ?5)
               AND id < ?6
             ORDER BY id DESC LIMIT ?7"
        );
        let found = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(&query.alvo)
            .bind(&query.quem)
            .bind(&query.acao)
            .bind(query.from.map(Moment::as_millis))
            .bind(query.until.map(Moment::as_millis))
            .bind(query.before.unwrap_or(i64::MAX))
            .bind(query.limit)
            .fetch_all(&self.readers)
            .await?;
        Ok(found)
    }
}
