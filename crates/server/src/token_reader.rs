//! Reading the file with the operator's own token again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::app_state::AppState;
use crate::token_file;

/// How often the file with the operator's token is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Reads the file with the operator's token again when it has changed, until `stop`.
pub(crate) async fn follow(app: Arc<AppState>, stop: CancellationToken) {
    let Some(file) = app.tokens.operators_file() else { return stop.cancelled().await };
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = token_file::version(file);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = token_file::version(file);
        if now == seen {
            continue;
        }
        seen = now;
        read(&app);
    }
}

pub(crate) fn read(app: &AppState) {
    let path = app.tokens.file().display();
    match app.tokens.read_operators_file() {
        Ok(()) => info!(%path, "the token of the admin API was read again"),
        Err(error) => error!(%error, "the token of the admin API stays as it was"),
    }
}
