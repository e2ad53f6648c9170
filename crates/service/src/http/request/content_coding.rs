//! Bodies that arrive compressed.

use std::io::Read;

use axum::body::Bytes;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use protocol::Codigo;

use crate::http::HttpError;

/// The content codings that are read, for a caller that used another.
const READABLE: HeaderValue = HeaderValue::from_static("gzip, deflate, identity");

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Coding {
    Identity,
    Gzip,
    Deflate,
}

/// Why a body cannot be unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Undecodable {
    TooLong,
    /// It is not what is declared; names that.
    Other(&'static str),
    /// It begins as what is declared, and goes on wrongly or ends too early.
    Damaged(&'static str),
}

impl Coding {
    /// The one that the `Content-Encoding` headers name; `None` for one that is not read, and for
    /// several at once.
    pub(in crate::http) fn of<'a>(
        headers: impl IntoIterator<Item = &'a HeaderValue>,
    ) -> Option<Self> {
        let mut coding = Self::Identity;
        for header in headers {
            for name in header.to_str().ok()?.split(',').map(str::trim) {
                let named = match name.to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    _ => return None,
                };
                if coding != Self::Identity {
                    return None;
                }
                coding = named;
            }
        }
        Some(coding)
    }

    /// How the body of a request is compressed.
    ///
    /// # Errors
    /// In a way that is not read.
    pub(in crate::http) fn declared(headers: &HeaderMap) -> Result<Self, HttpError> {
        Self::of(headers.get_all(CONTENT_ENCODING)).ok_or_else(|| {
            let mensagem = "O corpo está comprimido de um modo que não é lido. Envie-o em gzip, em \
                            deflate ou sem compressão.";
            let error = HttpError::new(Codigo::TipoNaoSuportado, mensagem);
            error.with_header(ACCEPT_ENCODING, READABLE)
        })
    }

    /// Unpacks at most `max` bytes, so that a small body cannot take much memory.
    pub(in crate::http) fn decode(self, coded: Bytes, max: usize) -> Result<Bytes, Undecodable> {
        match self {
            Self::Identity => Ok(coded),
            Self::Gzip => {
                let is_gzip = coded.starts_with(&[0x1F, 0x8B]);
                read_all(MultiGzDecoder::new(coded.as_ref()), max, not("gzip", is_gzip))
            }
            Self::Deflate => {
                // The method is in four bits, and both bytes have a check.
                let is_zlib = matches!(*coded, [first, second, ..]
                    if first & 0xF == 8 && u16::from_be_bytes([first, second]) % 31 == 0);
                read_all(ZlibDecoder::new(coded.as_ref()), max, not("deflate (zlib)", is_zlib))
            }
        }
    }
}

/// What is wrong with a body that cannot be unpacked, and may begin as it should.
fn not(coding: &'static str, begins_so: bool) -> Undecodable {
    if begins_so { Undecodable::Damaged(coding) } else { Undecodable::Other(coding) }
}

/// Reads everything; `damage` is the error if that fails.
fn read_all(decoder: impl Read, max: usize, damage: Undecodable) -> Result<Bytes, Undecodable> {
    let mut plain = Vec::new();
    let read = decoder.take(max as u64 + 1).read_to_end(&mut plain);
    if plain.len() > max {
        return Err(Undecodable::TooLong);
    }
    read.map(|_| plain.into()).map_err(|_| damage)
}
