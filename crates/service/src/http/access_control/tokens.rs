//! The tokens that are valid now.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use parking_lot::RwLock;
use protocol::Codigo;

use super::attempts::Attempts;
use super::credentials::{NoToken, bearer};
use super::roles::{Caller, Role};
use crate::failpoints::{Bug, has};
use crate::http::HttpError;
use crate::http::exchange::caller::{CallerKey, TrustedProxies, caller_ip};
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

/// What the token of a request is.
#[derive(Clone)]
enum Found {
    None(NoToken),
    /// Too many wrong ones came from this address: neither a right nor a wrong one is looked at.
    Waits(Duration),
    Valid(Arc<Token>),
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

/// The request has another token than before: it is looked up anew.
pub(in crate::http) fn forget_found(extensions: &mut Extensions) {
    extensions.remove::<Found>();
}

impl Tokens {
    pub fn new(help: &'static str, proxies: TrustedProxies) -> Self {
        Self { help, proxies, attempts: Attempts::new(), valid: RwLock::default() }
    }

    /// From now on these are valid and no others.
    pub fn replace(&self, tokens: Vec<Token>) {
        let mut valid = self.valid.write();
        if !has(Bug::KeptTokens) {
            valid.clear();
        }
        valid.extend(tokens.into_iter().map(Arc::new));
    }

    /// Makes one valid, in place of the one of the same name.
    pub fn put(&self, token: Token) {
        let mut valid = self.valid.write();
        valid.retain(|other| other.name != token.name);
        valid.push(Arc::new(token));
    }

    /// Makes one invalid, for the next request.
    pub fn remove(&self, name: &str) {
        self.valid.write().retain(|token| token.name != name || has(Bug::KeptTokens));
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

    /// The hash of the token that a request has, if it may be used: a guess that is right shows
    /// nowhere, also where no token is needed, while its address must wait. What was found is kept
    /// in the extensions, so that each request counts once.
    pub fn identify(&self, extensions: &mut Extensions, headers: &HeaderMap) -> Option<SecretHash> {
        let known = extensions.remove::<Found>();
        let found = known.unwrap_or_else(|| self.look_up(extensions, headers));
        let hash = match &found {
            Found::Valid(token) => Some(token.hash.clone()),
            Found::None(_) | Found::Waits(_) => None,
        };
        extensions.insert(found);
        hash
    }

    pub(super) fn admit(&self, request: &mut Request) -> Result<Caller, HttpError> {
        let known = request.extensions_mut().remove::<Found>();
        let found = known.unwrap_or_else(|| self.look_up(request.extensions(), request.headers()));
        match found {
            Found::None(wrong) => Err(self.unauthenticated(wrong)),
            Found::Waits(wait) => Err(HttpError::too_many(wait)),
            Found::Valid(token) => {
                token.last_day.store(now().as_millis().div_euclid(DAY_MILLIS), Ordering::Relaxed);
                Ok(Caller { name: token.name.clone(), role: token.role })
            }
        }
    }

    fn look_up(&self, extensions: &Extensions, headers: &HeaderMap) -> Found {
        let hash = match bearer(headers) {
            Ok(token) => SecretHash::of(token),
            Err(wrong) => return Found::None(wrong),
        };
        let caller = CallerKey::of(caller_ip(extensions, headers, &self.proxies));
        let token = self.find(&hash);
        let looked_at = match &token {
            None => self.attempts.wrong(caller),
            Some(_) => self.attempts.right(caller, hash.as_bytes(), Instant::now()),
        };
        match looked_at {
            Err(wait) => Found::Waits(wait),
            Ok(()) => token.map_or(Found::None(NoToken::Unknown), Found::Valid),
        }
    }

    fn unauthenticated(&self, wrong: NoToken) -> HttpError {
        let error = HttpError::new(Codigo::NaoAutenticado, sentence(wrong, self.help));
        error.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }
}

fn sentence(wrong: NoToken, help: &str) -> String {
    format!("{wrong}. {help}")
}

/// What is said of a request without a token, by a program that helps with this sentence.
pub fn missing_token(help: &str) -> String {
    sentence(NoToken::Missing, help)
}
