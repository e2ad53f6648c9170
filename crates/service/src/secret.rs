//! Secrets, and what is kept of those that callers bring: a hash, from which nobody can find them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::settings::InvalidValue;

/// Of a new secret. Nobody can guess so many.
const RANDOM_BYTES: usize = 32;
const HASH_BYTES: usize = 32;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A new secret: the prefix, by which people and scanners of leaked secrets recognise it, and
/// random bytes.
///
/// # Errors
/// The system has no random numbers.
pub fn new_secret(prefix: &str) -> std::io::Result<String> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random)))
}

/// The SHA-256 of a secret. A secret with 256 random bits needs no slow hash.
#[derive(Clone)]
pub struct SecretHash([u8; HASH_BYTES]);

impl SecretHash {
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// Whether both are of the same secret. Takes as long whichever bytes differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Shows nothing of it.
impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for SecretHash {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.len() != 2 * HASH_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidValue);
        }
        let mut bytes = [0; HASH_BYTES];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| InvalidValue)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidValue)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of FIPS 180-4.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_secret_is_long_random_and_fit_for_a_header() {
        let (one, other) =
            (new_secret("ptk_").expect("random"), new_secret("ptk_").expect("random"));
        assert_ne!(one, other);
        let random = one.strip_prefix("ptk_").expect("the prefix");
        assert_eq!(random.len(), 43);
        assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }

    #[test]
    fn a_hash_is_the_sha_256_and_tells_secrets_apart() {
        let hash = SecretHash::of("abc");
        assert_eq!(hash.to_string(), ABC);
        assert!(hash.matches(&ABC.to_uppercase().parse().expect("a hash")));
        assert!(hash.matches(&SecretHash::from_bytes(*hash.as_bytes())));
        for place in 0..HASH_BYTES {
            let mut other = *hash.as_bytes();
            other[place] ^= 1;
            assert!(!hash.matches(&SecretHash::from_bytes(other)), "byte {place}");
        }
        assert_eq!(format!("{hash:?}"), "SecretHash(…)");
    }

    #[test]
    fn a_written_hash_is_64_digits() {
        let (short, long) = (&ABC[1..], format!("{ABC}0"));
        let (sign, other) = (format!("+{short}"), format!("é{}", &ABC[2..]));
        for text in ["", short, &long, &sign, &other, &ABC.replace('b', "g")] {
            assert!(text.parse::<SecretHash>().is_err(), "{text}");
        }
    }
}
