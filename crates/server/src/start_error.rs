//! Why a servidor cannot start.

use bus::CredentialsError;
use service::{ListenError, TraceError};

use crate::admin_tokens::TokensError;
use crate::import::ImportError;
use crate::store::{StoreError, WriteError};
use crate::token_file::TokenFileError;

/// Why a servidor cannot start. The text is for the operator and says what to fix.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Traces(#[from] TraceError),
    #[error("DATABASE_URL names {path}, which cannot be used: {source}")]
    Database { path: String, source: StoreError },
    #[error("POSTOS_CSV: {0}")]
    Import(#[from] ImportError),
    #[error("ADMIN_TOKEN_FILE: {0}")]
    TokenFile(TokenFileError),
    #[error("the tokens of the admin API: {0}")]
    Tokens(TokensError),
    #[error("the postos in the database cannot be read: {0}")]
    Read(#[source] StoreError),
    #[error("the postos of POSTOS_CSV cannot be written: {0}")]
    Write(#[from] WriteError),
}

impl From<TokensError> for StartError {
    fn from(error: TokensError) -> Self {
        match error {
            TokensError::File(error) => Self::TokenFile(error),
            error => Self::Tokens(error),
        }
    }
}
