//! The tokens of the admin API: the first one, which is in a file, and those with names. All of them
//! are kept in memory too, so that a request asks no database (docs/decisions/0066).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use domain::{Moment, Rejection, TokenPapel};
use service::{ANYBODY, Role, SecretHash, Token, Tokens, new_secret};
use tokio::sync::Mutex;
use tracing::{info, warn};

use crate::config::{AdminAccess, Config};
use crate::store::{
    Audited, Author, CreateToken, RevokeToken, SetToken, Store, StoreError, StoredToken, WriteError,
};
use crate::token_file::{self, TokenFileError};

/// By it people and scanners of leaked secrets know what it is.
const PREFIX: &str = "posto_";
/// The name of the token in the file.
pub(crate) const FIRST: &str = "inicial";
const MAX_NAME: usize = 64;
pub(crate) const NAME_RULE: &str = "deve ter de 1 a 64 caracteres, só A-Z a-z 0-9 _ -";
/// How a caller without a token gets one.
pub(crate) const HELP: &str = "Envie-o no cabeçalho Authorization: Bearer TOKEN; na máquina do servidor, o \
    comando `server token` mostra um.";

/// The tokens of a servidor.
pub(crate) struct AdminTokens {
    store: Store,
    /// Where the first token is.
    file: PathBuf,
    database: PathBuf,
    /// Whether `file` is the operator's ADMIN_TOKEN_FILE, which the program never writes.
    is_operators_file: bool,
    valid: Arc<Tokens>,
    /// Changes come one after the other, so that memory and database say the same.
    changing: Mutex<()>,
}

/// Why tokens cannot be read at the start.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error(transparent)]
    File(#[from] TokenFileError),
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the system has no random numbers: {0}")]
    Random(#[from] io::Error),
}

/// Whether a text can be the name of a token.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a token may be made that is called so. The audit names others so, or the first token is.
pub(crate) fn is_new_name(text: &str) -> bool {
    is_name(text) && !reserved_names().any(|name| name == text)
}

fn reserved_names() -> impl Iterator<Item = &'static str> {
    [FIRST, ANYBODY].into_iter().chain(Author::RESERVED).filter(|name| is_name(name))
}

/// What is wrong with a name that could be one, but is reserved.
pub(crate) fn reserved_rule() -> String {
    format!("não pode ser {}, que são reservados", reserved_names().collect::<Vec<_>>().join(", "))
}

fn role(papel: TokenPapel) -> Role {
    match papel {
        TokenPapel::Leitura => Role::Leitura,
        TokenPapel::Operador => Role::Operador,
    }
}

pub(crate) fn papel(role: Role) -> TokenPapel {
    match role {
        Role::Operador => TokenPapel::Operador,
        Role::Leitura | Role::App => TokenPapel::Leitura,
    }
}

impl AdminTokens {
    /// Reads the tokens, and makes the first one if there is none and they are asked for.
    pub(crate) async fn load(store: &Store, config: &Config) -> Result<Self, TokensError> {
        let is_operators_file = matches!(config.admin_access, AdminAccess::TokensAndFile(_));
        let tokens = Self {
            store: store.clone(),
            file: config.token_file(),
            database: config.database_url.path().to_owned(),
            is_operators_file,
            valid: Arc::new(Tokens::new(HELP, config.proxies.clone())),
            changing: Mutex::new(()),
        };
        if config.admin_access == AdminAccess::Tokens {
            tokens.repair_first().await?;
        }
        let mut valid = Vec::new();
        // The one of the file is in place of the first that was made.
        for StoredToken { nome, papel, hash, .. } in store.tokens().await? {
            if !(is_operators_file && nome == FIRST) {
                valid.push(Token::new(nome, role(papel), SecretHash::from_bytes(hash)));
            }
        }
        tokens.valid.replace(valid);
        if is_operators_file {
            tokens.read_operators_file()?;
        }
        Ok(tokens)
    }

    /// For the guard.
    pub(crate) fn valid(&self) -> Arc<Tokens> {
        Arc::clone(&self.valid)
    }

    pub(crate) fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// The operator's ADMIN_TOKEN_FILE, if one is set.
    pub(crate) fn operators_file(&self) -> Option<&std::path::Path> {
        self.is_operators_file.then_some(&*self.file)
    }

    /// Takes the token in the operator's file for the first one.
    ///
    /// # Errors
    /// There is none that can be used; the one before stays.
    pub(crate) fn read_operators_file(&self) -> Result<(), TokenFileError> {
        let token = token_file::read(&self.file)?;
        if token_file::is_open_to_others(&self.file) {
            warn!(path = %self.file.display(), "every user of this machine can read or change the file with the token");
        }
        self.valid.put(Token::new(FIRST.to_owned(), Role::Operador, SecretHash::of(&token)));
        Ok(())
    }

    /// Brings the file and the database together, whatever start or renewal was cut off between
    /// them: the file is written first, so a token in it that the database does not know is the
    /// newest. One that was revoked stays revoked.
    async fn repair_first(&self) -> Result<(), TokensError> {
        let valid = self.store.tokens().await?;
        let has_operator = valid.iter().any(|token| token.papel == TokenPapel::Operador);
        let in_file = match token_file::read(&self.file) {
            Ok(token) => Some(SecretHash::of(&token)),
            Err(error) => {
                if has_operator {
                    warn!(%error, "the first token of the admin API is lost; `server token --renovar` makes another");
                } else if !error.is_missing() {
                    warn!(%error, "the file of the token is replaced");
                }
                None
            }
        };
        let is_first = |hash: &SecretHash| {
            let same = |token: &StoredToken| token.nome == FIRST && token.hash == *hash.as_bytes();
            valid.iter().any(same)
        };
        match in_file {
            // Nothing to write: a start must not fail for it on a full disk.
            Some(hash) if is_first(&hash) => Ok(()),
            Some(hash) if !self.store.is_revoked_token(hash.as_bytes()).await? => {
                self.enter_first(&hash, Author::Server).await
            }
            _ if has_operator => Ok(()),
            _ => self.renew(Author::Server).await,
        }
    }

    /// Makes another first token.
    pub(crate) async fn renew(&self, by: Author) -> Result<(), TokensError> {
        let token = new_secret(PREFIX)?;
        token_file::write(&self.file, &token, &self.database)?;
        self.enter_first(&SecretHash::of(&token), by).await?;
        info!(path = %self.file.display(), "a first token of the admin API was made");
        Ok(())
    }

    async fn enter_first(&self, hash: &SecretHash, by: Author) -> Result<(), TokensError> {
        let hash = *hash.as_bytes();
        let first = CreateToken { nome: FIRST.to_owned(), papel: TokenPapel::Operador, hash };
        self.store.execute(Audited { by, command: SetToken(first) }).await?;
        Ok(())
    }

    /// Makes a token. Only this answer has its text.
    pub(crate) async fn create(
        &self,
        by: Author,
        nome: &str,
        papel: TokenPapel,
    ) -> Result<String, TokensError> {
        let _changing = self.changing.lock().await;
        let token = new_secret(PREFIX)?;
        let hash = SecretHash::of(&token);
        let command = CreateToken { nome: nome.to_owned(), papel, hash: *hash.as_bytes() };
        self.store.execute(Audited { by, command }).await?;
        self.valid.put(Token::new(nome.to_owned(), role(papel), hash));
        Ok(token)
    }

    /// Revokes a token: the next request with it is refused.
    pub(crate) async fn revoke(&self, by: Author, nome: &str) -> Result<(), TokensError> {
        let _changing = self.changing.lock().await;
        // The one in the operator's own file is the operator's to take away.
        if self.is_operators_file && nome == FIRST {
            let nome = nome.to_owned();
            return Err(WriteError::Rejected(Rejection::UltimoOperador { nome }).into());
        }
        let command =
            RevokeToken { nome: nome.to_owned(), keep_last_operator: !self.is_operators_file };
        match self.store.execute(Audited { by, command }).await {
            Ok(()) => self.valid.remove(nome),
            // A restart may find it revoked.
            Err(WriteError::InDoubt) => {
                self.valid.remove(nome);
                return Err(WriteError::InDoubt.into());
            }
            Err(error) => return Err(error.into()),
        }
        if nome == FIRST
            && let Err(error) = token_file::remove(&self.file)
        {
            warn!(%error, path = %self.file.display(), "the file of a revoked token stays");
        }
        Ok(())
    }

    /// Those that are valid now, with the moment at which each was made, if it was made here.
    pub(crate) async fn list(&self) -> Result<Vec<(Arc<Token>, Option<Moment>)>, StoreError> {
        let stored = self.store.tokens().await?;
        let made = |token: &Token| {
            let is_same = |row: &&StoredToken| row.nome == token.name();
            let found = stored
                .iter()
                .find(is_same)
                .filter(|_| !(self.is_operators_file && token.name() == FIRST));
            found.map(|row| row.criado_em)
        };
        let mut valid = self.valid.list();
        valid.sort_by(|one, other| one.name().cmp(other.name()));
        Ok(valid.into_iter().map(|token| (Arc::clone(&token), made(&token))).collect())
    }
}
