//! Who may call the admin API, and what was changed by whom.

use domain::{Moment, TokenPapel};

use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::row;

/// A token that is valid.
#[derive(Debug, Clone)]
pub struct StoredToken {
    pub nome: String,
    pub papel: TokenPapel,
    /// SHA-256 of its text.
    pub hash: [u8; 32],
    pub criado_em: Moment,
}

row! {
    struct TokenRow {
        id: i64,
        nome: String,
        papel: String,
        hash: Vec<u8>,
        criado_em: i64,
    }
}

impl TryFrom<TokenRow> for StoredToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let TokenRow { id, nome, papel, hash, criado_em } = row;
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of token {id}"));
        Ok(Self {
            nome,
            papel: TokenPapel::parse(&papel).map_err(|_| corrupt("papel"))?,
            hash: hash.try_into().map_err(|_| corrupt("hash"))?,
            criado_em: Moment::from_millis(criado_em),
        })
    }
}

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
    /// The valid tokens, by name.
    pub async fn tokens(&self) -> Result<Vec<StoredToken>, StoreError> {
        self.check_not_in_doubt()?;
        let found: Vec<TokenRow> =
            sqlx::query_as("SELECT * FROM tokens WHERE revogado_em IS NULL ORDER BY nome")
                .fetch_all(&self.readers)
                .await?;
        found.into_iter().map(StoredToken::try_from).collect()
    }

    /// Whether a token with this hash was made and revoked, and so must not become valid again.
    pub async fn is_revoked_token(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        let revoked = "SELECT count(*) > 0 AND count(revogado_em) = count(*)
                       FROM tokens WHERE hash = ?1";
        let revoked = sqlx::query_scalar(revoked).bind(&hash[..]);
        Ok(revoked.fetch_one(&self.readers).await?)
    }

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
