//! The character encoding of a JSON body. JSON is sent in UTF-8; what else it is, is decoded where
//! that is certain, and named in the refusal where it is not.

use axum::body::Bytes;
use encoding_rs::{Encoding, ISO_8859_15, UTF_8, WINDOWS_1252};

const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// Whether a body may be declared with this charset. Those that contain ASCII are, because a body
/// may be ASCII whatever its charset.
pub(in crate::http) fn is_readable(charset: &str) -> bool {
    Encoding::for_label(charset.as_bytes()).is_some_and(Encoding::is_ascii_compatible)
}

/// The text in UTF-8, without a byte order mark.
///
/// # Errors
/// What the body is instead, in Portuguese.
pub(in crate::http) fn to_utf8(body: Bytes, charset: Option<&str>) -> Result<Bytes, String> {
    if body.starts_with(UTF8_BOM) {
        return check(body.slice(UTF8_BOM.len()..));
    }
    if let Some(found) = not_text(&body) {
        return Err(found.to_owned());
    }
    let declared = charset.and_then(|charset| Encoding::for_label(charset.as_bytes()));
    let encoding = declared.unwrap_or(UTF_8);
    if encoding == UTF_8 || body.is_ascii() {
        return check(body);
    }
    let charset = charset.unwrap_or_default();
    // Text in one of these is valid UTF-8 only by a most unlikely accident.
    if str::from_utf8(&body).is_ok() {
        return Err(format!("o corpo está em UTF-8, mas vem declarado como charset={charset}"));
    }
    if encoding != WINDOWS_1252 && encoding != ISO_8859_15 {
        return Err(format!("o corpo está em {charset}; envie em UTF-8"));
    }
    let (text, _) = encoding.decode_without_bom_handling(&body);
    Ok(text.into_owned().into())
}

fn check(body: Bytes) -> Result<Bytes, String> {
    match str::from_utf8(&body) {
        Ok(_) => Ok(body),
        Err(error) => Err(format!(
            "o corpo não está em UTF-8 a partir do byte {} (parece Latin-1 ou Windows-1252); envie \
             em UTF-8",
            error.valid_up_to()
        )),
    }
}

/// What the first bytes say, if they are no text with ASCII in it. JSON begins with two ASCII
/// characters and has no NUL, so a NUL there belongs to a wider character.
fn not_text(body: &[u8]) -> Option<&'static str> {
    let is_nul = |index: usize| body.get(index).map(|byte| *byte == 0);
    match (body, [0, 1, 2, 3].map(is_nul)) {
        ([0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..], _)
        | (_, [Some(true), Some(true), Some(true), Some(false)])
        | (_, [Some(false), Some(true), Some(true), Some(true)]) => {
            Some("o corpo está em UTF-32; envie em UTF-8")
        }
        ([0xFF, 0xFE, ..] | [0xFE, 0xFF, ..], _)
        | (_, [Some(true), Some(false), ..] | [Some(false), Some(true), ..]) => {
            Some("o corpo está em UTF-16; envie em UTF-8")
        }
        ([0x1F, 0x8B, ..], _) => Some("o corpo está em gzip; declare-o com Content-Encoding: gzip"),
        _ => None,
    }
}
