//! The tokens that are valid now.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use parking_lot::RwLock;
use protocol::Codigo;

use super::attempts::Attempts;
use super::credentials::{NoToken, bearer};
use super::roles::{Caller, Role};
use crate::http::HttpError;
use crate::http::caller::{CallerKey, TrustedProxies, caller_ip};
use crate::program::now;
use crate::secret::SecretHash;

const DAY_MILLIS: i64 = 86_400_000;
const NEVER: i64 = i64::MIN;

/// One token, of which only the hash is known.
#[derive(Debug)]
pub struct Token {
    name: String,
    role: Role,
    hash: SecretHash,
    last_day: AtomicI64,
}

/// The tokens that are valid now, compared in memory.
pub struct Tokens {
    /// Completes the sentence of a 401: how to get a token.
    help: &'static str,
    proxies: TrustedProxies,
    attempts: Attempts,
    valid: RwLock<Vec<Arc<Token>>>,
}

impl Token {
    pub fn new(name: String, role: Role, hash: SecretHash) -> Self {
        Self { name, role, hash, last_day: AtomicI64::new(NEVER) }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn role(&self) -> Role {
        self.role
    }

    /// The day on which it was used last, counted from 1970-01-01 in UTC, since the program has
    /// started.
    pub fn last_day(&self) -> Option<i64> {
        Some(self.last_day.load(Ordering::Relaxed)).filter(|day| *day != NEVER)
    }
}

impl Tokens {
    pub fn new(help: &'static str, proxies: TrustedProxies) -> Self {
        Self { help, proxies, attempts: Attempts::new(), valid: RwLock::default() }
    }

    /// From now on these are valid and no others.
    pub fn replace(&self, tokens: Vec<Token>) {
        *self.valid.write() = tokens.into_iter().map(Arc::new).collect();
    }

    /// Makes one valid, in place of the one of the same name.
    pub fn put(&self, token: Token) {
        let mut valid = self.valid.write();
        valid.retain(|other| other.name != token.name);
        valid.push(Arc::new(token));
    }

    /// Makes one invalid, for the next request.
    pub fn remove(&self, name: &str) {
        self.valid.write().retain(|token| token.name != name);
    }

    pub fn list(&self) -> Vec<Arc<Token>> {
        self.valid.read().clone()
    }

    /// The valid token with this hash. Takes as long whichever it is.
    fn find(&self, hash: &SecretHash) -> Option<Arc<Token>> {
        let valid = self.valid.read();
        let newer = |found, token: &Arc<Token>| {
            if token.hash.matches(hash) { Some(Arc::clone(token)) } else { found }
        };
        valid.iter().fold(None, newer)
    }

    pub(super) fn admit(&self, request: &Request) -> Result<Caller, HttpError> {
        let hash = bearer(request.headers()).map(SecretHash::of);
        let hash = hash.map_err(|wrong| self.unauthenticated(wrong))?;
        let address = caller_ip(request.extensions(), request.headers(), &self.proxies);
        let caller = CallerKey::of(address);
        let Some(token) = self.find(&hash) else {
            self.attempts.wrong(caller).map_err(HttpError::too_many)?;
            return Err(self.unauthenticated(NoToken::Unknown));
        };
        let admitted = self.attempts.right(caller, hash.as_bytes(), Instant::now());
        admitted.map_err(HttpError::too_many)?;
        token.last_day.store(now().as_millis().div_euclid(DAY_MILLIS), Ordering::Relaxed);
        Ok(Caller { name: token.name.clone(), role: token.role })
    }

    fn unauthenticated(&self, wrong: NoToken) -> HttpError {
        let error = HttpError::new(Codigo::NaoAutenticado, format!("{wrong}. {}", self.help));
        error.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }
}
