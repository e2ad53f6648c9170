//! Where files are: beside a database, in its folder, at the end of a link.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use domain::Moment;
use time::OffsetDateTime;

/// What SQLite appends to the name of a database for the files that belong to it.
pub(in crate::store) const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The folder of a file, as a path that can be opened.
pub fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The file that a path leads to, also where it is not there yet.
pub fn file_of(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| end_of_links(path))
}

/// Where a new file would be made at this path: links that lead to nothing are followed.
pub(in crate::store) fn end_of_links(path: &Path) -> PathBuf {
    let mut end = path.to_owned();
    // As many links as Linux follows.
    for _ in 0..40 {
        match fs::read_link(&end) {
            Ok(target) if !path.exists() => end = end.with_file_name("").join(target),
            _ => break,
        }
    }
    end
}

/// Where a file is kept that another one replaces.
pub(in crate::store) fn aside(path: &Path, now: Moment) -> PathBuf {
    with_suffix(path, &format!(".antes-{}", date(now)))
}

/// The path with something appended to its file name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A moment in UTC, in the basic form of ISO 8601, which fits in a file name.
pub(in crate::store) fn date(now: Moment) -> String {
    let seconds = now.as_millis().div_euclid(1000);
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let ((year, month, day), (hour, minute, second)) = (at.date().to_calendar_date(), at.to_hms());
    format!("{year:04}{:02}{day:02}T{hour:02}{minute:02}{second:02}Z", u8::from(month))
}
