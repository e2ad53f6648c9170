//! The tokens of apps: who calls, and how often it may.

mod file;
mod watch;

use std::collections::HashMap;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Extensions, HeaderMap};
use parking_lot::RwLock;
use prometheus_client::metrics::counter::Counter;
use protocol::AppId;
use service::{RateLimit, Role, Token, Tokens, TrustedProxies};
use tokio::sync::Notify;

pub(crate) use file::line;
use file::{Line, WrongLine};
pub(crate) use watch::watch;

/// Why the file cannot be used. The text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("API_TOKENS_FILE is {path:?}, which cannot be read: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("API_TOKENS_FILE is {path:?}, which has errors: {}", list(wrong))]
    Wrong { path: PathBuf, wrong: Vec<WrongLine> },
}

fn list(wrong: &[WrongLine]) -> String {
    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A token that is valid now.
pub(crate) struct AppToken {
    pub(crate) app: AppId,
    /// In a minute, 0 for no limit.
    per_minute: u32,
    limit: Option<RateLimit<()>>,
}

impl AppToken {
    fn new(app: AppId, per_minute: u32) -> Self {
        let limit = NonZeroU32::new(per_minute).map(RateLimit::per_minute);
        Self { app, per_minute, limit }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// It is beyond the limit; how long its app must wait.
    pub(crate) fn check(&self) -> Result<(), Duration> {
        self.limit.as_ref().map_or(Ok(()), |limit| limit.check(&()))
    }
}

pub(crate) const HOW_TO_GET_ONE: &str = "Peça um token a quem opera este cliente, que o faz com client token APP \
    e o põe no arquivo de API_TOKENS_FILE; envie-o no cabeçalho Authorization: Bearer TOKEN.";

/// By the hash of each. Who looks one up cannot learn a hash from how long it takes, because nobody
/// can choose the hash of what it sends.
type Limits = HashMap<[u8; 32], Arc<AppToken>>;

/// The tokens that the file has, or had when it was last right.
pub(crate) struct AppTokens {
    path: PathBuf,
    /// In a minute, for a token whose line says nothing else.
    default_limit: u32,
    current: RwLock<Arc<Limits>>,
    guard: Arc<Tokens>,
    /// The file must be read at once.
    asked: Notify,
    /// Changes of the file that could not be read.
    errors: Counter,
}

impl AppTokens {
    /// Reads the file; also returns its content, for [`watch`].
    ///
    /// # Errors
    /// It cannot be read, or has wrong lines.
    pub(crate) fn read(
        path: &Path,
        default_limit: u32,
        proxies: TrustedProxies,
        errors: Counter,
    ) -> Result<(Self, Vec<u8>), TokensError> {
        let content = file::read(path)
            .map_err(|source| TokensError::Unreadable { path: path.to_owned(), source })?;
        let current = RwLock::default();
        let guard = Arc::new(Tokens::new(HOW_TO_GET_ONE, proxies));
        let (path, asked) = (path.to_owned(), Notify::new());
        let tokens = Self { path, default_limit, current, guard, asked, errors };
        tokens.replace(&content)?;
        Ok((tokens, content))
    }

    /// The token that a request has, if it may be used.
    pub(crate) fn of_request(
        &self,
        extensions: &mut Extensions,
        headers: &HeaderMap,
    ) -> Option<Arc<AppToken>> {
        let hash = self.guard.identify(extensions, headers)?;
        self.current.read().get(hash.as_bytes()).cloned()
    }

    /// For the guard before the protected routes.
    pub(crate) fn for_guard(&self) -> Arc<Tokens> {
        Arc::clone(&self.guard)
    }

    /// Takes the file as it is now.
    pub(crate) fn read_now(&self) {
        self.asked.notify_one();
    }

    pub(crate) fn len(&self) -> usize {
        self.current.read().len()
    }

    /// Takes the tokens of another content. What was counted for those that stay is kept.
    fn replace(&self, content: &[u8]) -> Result<(), TokensError> {
        let lines = file::parse(content)
            .map_err(|wrong| TokensError::Wrong { path: self.path.clone(), wrong })?;
        let before = Arc::clone(&self.current.read());
        let of_guard = |line: &Line| Token::new(line.app.to_string(), Role::App, line.hash.clone());
        let guarded = lines.iter().map(of_guard).collect();
        let token = |Line { app, hash, limit, .. }| {
            let per_minute = limit.unwrap_or(self.default_limit);
            let kept = before.get(hash.as_bytes());
            let kept = kept.filter(|one| one.app == app && one.per_minute == per_minute);
            let token = kept.cloned().unwrap_or_else(|| Arc::new(AppToken::new(app, per_minute)));
            (*hash.as_bytes(), token)
        };
        let limits: Limits = lines.into_iter().map(token).collect();
        *self.current.write() = Arc::new(limits);
        self.guard.replace(guarded);
        Ok(())
    }
}
