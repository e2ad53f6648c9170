//! Who can read the database past the program.

use std::path::Path;

use service::doctor::Check;

use crate::store::open_to_others;

const NAME: &str = "database files";

/// Of a database that is there.
pub(super) fn reader_check(database: &Path) -> Check {
    let open = open_to_others(database);
    if open.is_empty() {
        let found = format!("not every user of this machine can use {}", database.display());
        return Check::ok(NAME, found);
    }
    let files = open.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(" ");
    let found =
        format!("every user of this machine can use {files}, where placas and request_ids are");
    let remedy = format!("chmod o= {files} (of a volume of Docker: on the host)");
    Check::warning(NAME, found, remedy)
}
