//! Reading the file again when it changes. It is read and compared, not watched: an editor may
//! replace it, a mount may show only its content, and a network file system tells of no change.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, info};

use super::{AppTokens, TokensError, file};

/// How often the file is read. A change holds once it was read twice: a file that is being written
/// is not yet what it will be.
const INTERVAL: Duration = Duration::from_secs(1);

/// What the file was at one time: its content, or why it cannot be read.
type Seen = Result<Vec<u8>, String>;

/// Keeps the tokens as the file is, for as long as the program runs.
pub(crate) async fn watch(tokens: Arc<AppTokens>, content: Vec<u8>) {
    let (mut settled, mut before): (Seen, Seen) = (Ok(content.clone()), Ok(content));
    loop {
        let asked = tokio::select! {
            () = sleep(INTERVAL) => false,
            () = tokens.asked.notified() => true,
        };
        let path = tokens.path.clone();
        let read = tokio::task::spawn_blocking(move || file::read(&path)).await;
        let Ok(read) = read else { continue };
        let seen = read.map_err(|error| error.to_string());
        if seen != settled && (asked || seen == before) {
            take(&tokens, &seen);
            settled = seen.clone();
        }
        before = seen;
    }
}

fn take(tokens: &AppTokens, seen: &Seen) {
    let taken = match seen {
        Ok(content) => tokens.replace(content),
        Err(reason) => Err(TokensError::Unreadable {
            path: tokens.path.clone(),
            source: std::io::Error::other(reason.clone()),
        }),
    };
    match taken {
        Ok(()) => info!(tokens = tokens.len(), "the tokens of apps were read again"),
        Err(error) => {
            error!(%error, "the tokens of apps stay as they were");
            tokens.errors.inc();
        }
    }
}
