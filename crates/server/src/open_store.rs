//! Opening the database of a servidor, as its settings say.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::app_state::now;
use crate::config::Config;
use crate::store::{Change, Environment, Store, StoreCloser, StoreError};

/// Batches of changes that may wait to be announced.
const CHANGE_QUEUE: usize = 4096;

/// The database, and what changes in it.
pub(crate) async fn open_store(
    config: &Config,
) -> Result<(Store, StoreCloser, mpsc::Receiver<Vec<Change>>), StoreError> {
    let (sender, changes) = mpsc::channel(CHANGE_QUEUE);
    let environment = Environment {
        server_id: config.server_id.as_str().to_owned(),
        now: Arc::new(now),
        rules: config.rules,
        changes: sender,
    };
    let (store, closer) = Store::open(config.database_url.path(), environment).await?;
    Ok((store, closer, changes))
}
