//! Why a servidor cannot start.

use std::io::ErrorKind;

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
    #[error("POSTOS_CSV is {}", refused_postos(.0))]
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

/// In English, as the other reasons are; what is wrong with a cell is said in Portuguese, as the API
/// says it.
fn refused_postos(error: &ImportError) -> String {
    match error {
        ImportError::File { path, reason } => {
            let advice = match reason.kind() {
                ErrorKind::IsADirectory => {
                    "; it is a folder: Docker makes one in place of a mounted file that does not exist"
                }
                ErrorKind::PermissionDenied => {
                    "; give the user of this program the right to read it"
                }
                _ => "",
            };
            format!("{path:?}, which cannot be read: {reason}; it should be a CSV file{advice}")
        }
        ImportError::Wrong { path, wrong } => {
            let text = wrong.to_string();
            let cells = text.split_once('\n').map_or("", |(_, cells)| cells);
            let errors = if wrong.total == 1 { "error" } else { "errors" };
            format!("{path:?}, which has {} {errors}; nothing was imported\n{cells}", wrong.total)
        }
    }
}

impl From<TokensError> for StartError {
    fn from(error: TokensError) -> Self {
        match error {
            TokensError::File(error) => Self::TokenFile(error),
            error => Self::Tokens(error),
        }
    }
}
