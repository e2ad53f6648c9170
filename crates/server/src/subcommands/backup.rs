//! `server backup`: a copy of the database, and which of those before are kept.

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;

use super::stdio_backup;
use crate::app_state::now;
use crate::config::Config;
use crate::last_backup::LastBackup;
use crate::store::{self, Copied, Rotated, Rotation};

#[expect(clippy::print_stdout, reason = "the answer to the command line")]
#[expect(clippy::print_stderr, reason = "standard output may be the backup")]
pub(crate) fn back_up(
    config: &Config,
    to: &Path,
    keep: Option<NonZeroUsize>,
) -> Result<(), Box<dyn Error>> {
    let (database, server_id) = (config.database_url.path(), config.server_id.as_str());
    let (now, is_stream) = (now(), stdio_backup::is_stream(to));
    if keep.is_some() && is_stream {
        return Err("--manter keeps the backups of a folder, and - is standard output".into());
    }
    let rotation = keep.map(|keep| Rotation { folder: to, server_id, keep });
    if let Some(rotation) = rotation {
        rotation.prepare(now)?;
    }
    let copied = match is_stream {
        true => stdio_backup::back_up(database, server_id, now)?,
        false => store::back_up(database, server_id, to, now)?,
    };
    let Copied { path, bytes, summary } = &copied;
    if is_stream {
        eprintln!("{server_id} is backed up: {bytes} bytes, {summary}");
    } else {
        println!("{server_id} is backed up in {}: {bytes} bytes, {summary}", path.display());
    }
    // The folder of the database may be read-only, and the backup is complete.
    if let Err(error) = LastBackup::of(&copied, now.into(), is_stream).record(database) {
        eprintln!("when this was cannot be recorded beside the database: {error}");
    }
    let Some(rotation) = rotation else {
        return Ok(());
    };
    let Rotated { removed, later } = rotation.remove_older(&copied)?;
    for path in removed {
        println!("removed {}", path.display());
    }
    for path in later {
        eprintln!("{} has a later date: it does not count, and stays", path.display());
    }
    Ok(())
}
