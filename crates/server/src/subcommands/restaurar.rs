//! `server restaurar`: puts a backup in the place of the database.

use std::error::Error;
use std::path::Path;

use service::SecretHash;

use super::stdio_backup;
use crate::app_state::now;
use crate::config::Config;
use crate::store::{self, Replaced, RestoreError, Restored};
use crate::token_file;

/// The hash of the token in the file beside the database, if there is one.
fn file_token(database: &Path) -> Option<[u8; 32]> {
    let token = std::fs::read_to_string(token_file::beside(database)).ok()?;
    Some(*SecretHash::of(token.trim()).as_bytes())
}

#[expect(clippy::print_stdout, reason = "the answer to the command line")]
pub(crate) fn restore(config: &Config, from: &Path) -> Result<(), Box<dyn Error>> {
    let (database, server_id) = (config.database_url.path(), config.server_id.as_str());
    let received =
        stdio_backup::is_stream(from).then(|| stdio_backup::receive(database, server_id));
    let received = received.transpose()?;
    let backup = received.as_ref().map_or(from, |received| &received.path);
    let restored = store::restore(database, server_id, backup, now(), file_token(database));
    let Restored { summary, replaced } = restored.map_err(|error| match error {
        // The file that it was received in is gone.
        RestoreError::Backup { source, .. } if received.is_some() => {
            format!("the backup from standard input cannot be restored: {source}").into()
        }
        error => Box::<dyn Error>::from(error),
    })?;
    let shown = if received.is_some() { "standard input".into() } else { from.to_string_lossy() };
    println!("{server_id} is restored from {shown}: {summary}");
    match replaced {
        None => {}
        Some(Replaced { path, summary: Some(summary) }) => {
            println!("what it replaced is kept in {}: {summary}", path.display());
        }
        Some(Replaced { path, summary: None }) => {
            println!("what it replaced is damaged, and kept in {}", path.display());
        }
    }
    Ok(())
}
