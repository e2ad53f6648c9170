//! A file with a token in it: the one that the program makes, beside its database, and the one that
//! an operator brings.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::store::{folder_of, with_suffix};

/// Shorter ones can be guessed.
const MIN_TOKEN: usize = 16;
/// Only this user reads it.
const MODE: u32 = 0o600;
/// What of the mode lets everybody in.
const OTHERS: u32 = 0o007;

/// Why a file has no token to use.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{path} is empty")]
    Empty { path: String },
    #[error("the token in {path} has {length} characters; it should have at least {MIN_TOKEN}")]
    TooShort { path: String, length: usize },
    #[error("the token in {path} should have at most {} characters", service::MAX_TOKEN)]
    TooLong { path: String },
    #[error("the token in {path} should be one line of ASCII without blanks")]
    WrongCharacters { path: String },
    #[error("{path} cannot be written: {source}")]
    Unwritable { path: String, source: io::Error },
}

impl TokenFileError {
    /// Whether another user may read it, and this one may not.
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Where the program leaves the token that it makes.
pub(crate) fn beside(database: &Path) -> PathBuf {
    with_suffix(database, ".token")
}

/// The token in a file.
///
/// # Errors
/// There is no file, or nothing in it that can be a token.
pub(crate) fn read(file: &Path) -> Result<String, TokenFileError> {
    let path = file.display().to_string();
    let mut bytes = Vec::new();
    // With space for blanks around it. A longer file is refused without reading all of it.
    let most = 2 * service::MAX_TOKEN as u64;
    let read = File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes));
    if let Err(source) = read {
        return Err(TokenFileError::Unreadable { path, source });
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match bytes.trim_ascii() {
        b"" => Err(TokenFileError::Empty { path }),
        token if token.len() > service::MAX_TOKEN => Err(TokenFileError::TooLong { path }),
        token if !token.iter().all(u8::is_ascii_graphic) => {
            Err(TokenFileError::WrongCharacters { path })
        }
        token if token.len() < MIN_TOKEN => {
            Err(TokenFileError::TooShort { path, length: token.len() })
        }
        token => Ok(String::from_utf8_lossy(token).into_owned()),
    }
}

/// What changes whenever a file does, also where it is replaced by another.
pub(crate) fn version(file: &Path) -> Option<(u64, i64, i64, u64)> {
    let file = fs::metadata(file).ok()?;
    Some((file.ino(), file.ctime(), file.ctime_nsec(), file.len()))
}

/// Whether every user of this machine can read or change a file.
pub(crate) fn is_open_to_others(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.permissions().mode() & OTHERS != 0)
}

/// Writes a token so that at each moment the file has the old one or the new one, and no other user
/// can read it. It belongs to the owner of the database, also where root runs the subcommand.
///
/// # Errors
/// It cannot be written; what was there is there.
pub(crate) fn write(file: &Path, token: &str, database: &Path) -> Result<(), TokenFileError> {
    let unwritable =
        |source| TokenFileError::Unwritable { path: file.display().to_string(), source };
    replace(file, token, database).map_err(unwritable)
}

fn replace(file: &Path, token: &str, database: &Path) -> io::Result<()> {
    let new = with_suffix(file, ".new");
    // One that a crash has left keeps its mode when it is opened.
    remove(&new)?;
    let mut writer = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&new)?;
    writer.write_all(format!("{token}\n").as_bytes())?;
    if let Ok(owner) = fs::metadata(database)
        && owner.uid() != writer.metadata()?.uid()
    {
        fchown(&writer, Some(owner.uid()), Some(owner.gid()))?;
    }
    writer.sync_all()?;
    fs::rename(&new, file)?;
    File::open(folder_of(file))?.sync_all()
}

/// Removes a file, if it is there.
pub(crate) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).expect("the file").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_read_and_only_by_this_user() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = beside(&folder.path().join("server1.db"));
        assert_eq!(file, folder.path().join("server1.db.token"));
        assert!(read(&file).expect_err("there is none").is_missing());
        // As a start that was cut off leaves it, with a mode that somebody gave it.
        let left = with_suffix(&file, ".new");
        fs::write(&left, "half").expect("a file");
        fs::set_permissions(&left, fs::Permissions::from_mode(0o644)).expect("a mode");
        for token in ["0123456789abcdef", "another-token-of-the-operator"] {
            write(&file, token, folder.path()).expect("it is written");
            assert_eq!(read(&file).expect("a token"), token);
            assert_eq!(mode(&file), 0o600);
            assert!(!left.exists() && !is_open_to_others(&file));
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).expect("a mode");
        assert!(is_open_to_others(&file));
    }

    #[test]
    fn a_file_has_one_token_of_a_good_length() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        let longest = "x".repeat(service::MAX_TOKEN);
        let longer = format!("{longest}x");
        for (text, token) in [
            (&b"0123456789abcdef"[..], Ok("0123456789abcdef")),
            (b" 0123456789abcdef\r\n\n", Ok("0123456789abcdef")),
            (b"\xEF\xBB\xBF0123456789abcdef\r\n", Ok("0123456789abcdef")),
            (longest.as_bytes(), Ok(&longest)),
            (b"", Err("is empty")),
            (b"\n \t\r\n", Err("is empty")),
            (b"0123456789abcde", Err("has 15 characters")),
            (longer.as_bytes(), Err("at most")),
            (&[b'x'; 100_000], Err("at most")),
            (b"0123456789abcdef 0", Err("one line")),
            (b"0123456789abcdef\n0123456789abcdef", Err("one line")),
            ("0123456789abcdéf".as_bytes(), Err("one line")),
            (b"\xFF\xFE0\x001\x002\x003\x004\x005\x006\x007\x008\x00", Err("one line")),
        ] {
            fs::write(&file, text).expect("a file");
            let shown = text.escape_ascii().to_string();
            match (read(&file), token) {
                (Ok(read), Ok(token)) => assert_eq!(read, token, "{shown}"),
                (Err(error), Err(why)) => {
                    let error = error.to_string();
                    assert!(error.contains(why) && !error.contains("012345"), "{error}");
                }
                (read, _) => panic!("{shown}: {read:?}"),
            }
        }
        assert!(read(folder.path()).is_err(), "a folder");
    }
}
