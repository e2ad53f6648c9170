//! The token of a request.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// The longest token that is looked at. One that a program makes has 47 characters; an operator may
/// choose another.
pub const MAX_TOKEN: usize = 512;

/// Why a request has none. Each sentence is for its caller, and shows nothing of what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoToken {
    #[error("Esta chamada precisa de um token, e não veio o cabeçalho Authorization")]
    Missing,
    #[error("O cabeçalho Authorization deve vir uma vez só")]
    Repeated,
    #[error("O cabeçalho Authorization deve ser Bearer e o token")]
    OtherScheme,
    #[error("O cabeçalho Authorization não traz o token")]
    Empty,
    #[error("O token é mais longo do que um token pode ser")]
    TooLong,
    #[error("O token tem caracteres que um token não pode ter")]
    WrongCharacters,
    /// It is none of those that are valid.
    #[error("O token não vale")]
    Unknown,
}

/// The token of the `Authorization` header, which may be any visible ASCII characters.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, NoToken> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(NoToken::Missing)?;
    if values.next().is_some() {
        return Err(NoToken::Repeated);
    }
    let value = value.as_bytes().trim_ascii();
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, token) = value.split_at(end);
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(NoToken::OtherScheme);
    }
    let token = token.trim_ascii();
    if token.is_empty() {
        return Err(NoToken::Empty);
    }
    if token.len() > MAX_TOKEN {
        return Err(NoToken::TooLong);
    }
    let visible = token.iter().all(u8::is_ascii_graphic);
    str::from_utf8(token).ok().filter(|_| visible).ok_or(NoToken::WrongCharacters)
}
