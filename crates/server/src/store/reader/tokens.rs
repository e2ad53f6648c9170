//! The tokens of the admin API.

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
}
