//! What the backups of one folder are called: `server1-20261126T203000Z.db`.

use std::path::{Path, PathBuf};

use domain::Moment;

use crate::store::files::copies::PARTIAL;
use crate::store::files::paths::date;

const EXTENSION: &str = ".db";
/// Backups of one second in one folder.
const MAX_AT_ONCE: u32 = 9;

/// The names to try for a backup of this moment, in this order.
pub(in crate::store) fn names(folder: &Path, server_id: &str, now: Moment) -> Vec<PathBuf> {
    let first = format!("{server_id}-{}", date(now));
    let name = |number| match number {
        1 => folder.join(format!("{first}{EXTENSION}")),
        _ => folder.join(format!("{first}-{number}{EXTENSION}")),
    };
    (1..=MAX_AT_ONCE).map(name).collect()
}

/// The date of a backup, and its number among those of that second; in order of age. `None` for
/// every name that no backup of this servidor has.
pub(in crate::store) fn read_complete(name: &str, server_id: &str) -> Option<(String, u32)> {
    let (date, rest) = read_date(name.strip_suffix(EXTENSION)?, server_id)?;
    let number = match rest {
        "" => 1,
        more => more
            .strip_prefix('-')?
            .parse()
            .ok()
            .filter(|number| (2..=MAX_AT_ONCE).contains(number))?,
    };
    Some((date.to_owned(), number))
}

/// The date of a backup that is not complete, and of SQLite's file beside it.
pub(in crate::store) fn read_partial<'a>(name: &'a str, server_id: &str) -> Option<&'a str> {
    let name = name.strip_prefix('.')?;
    let name = name.strip_suffix("-journal").unwrap_or(name).strip_suffix(PARTIAL)?;
    read_date(name, server_id).map(|(date, _)| date)
}

/// The date after the id of the servidor, and what follows it.
fn read_date<'a>(name: &'a str, server_id: &str) -> Option<(&'a str, &'a str)> {
    let dated = name.strip_prefix(server_id)?.strip_prefix('-')?;
    let (date, rest) = dated.split_at_checked("20260131T235959Z".len())?;
    let is_date = date.bytes().enumerate().all(|(index, byte)| match index {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    });
    is_date.then_some((date, rest))
}
