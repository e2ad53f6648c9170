//! How long ago the database was backed up.

use protocol::Timestamp;
use service::doctor::Check;

use crate::config::Config;
use crate::last_backup::LastBackup;

const NAME: &str = "backup";
const HOUR_MS: i64 = 3_600_000;
/// With one each night, one has failed and the next has not run either.
const OLD_HOURS: i64 = 48;

/// Checks how long ago a database that exists was last backed up.
pub(super) fn backup_check(config: &Config, last: Option<&LastBackup>, now: Timestamp) -> Check {
    let remedy = "make one each night: server backup DEST (README.md, deploy/systemd); where that is set \
                  up, its log says why it fails";
    let Some(LastBackup { quando, .. }) = last else {
        let path = config.database_url.path().display();
        let found = format!("none of {path} is recorded; copies by other programs are not");
        return Check::warning(NAME, found, remedy);
    };
    let hours = now.as_millis().saturating_sub(quando.as_millis()) / HOUR_MS;
    if hours >= OLD_HOURS {
        let found = format!("the last one is of {quando}, {} days ago", hours / 24);
        return Check::warning(NAME, found, remedy);
    }
    Check::ok(NAME, format!("the last one is of {quando}"))
}
