//! When the last backup was.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures_util::FutureExt as _;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use service::{Metrics, register_metric};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::last_backup::LastBackup;

/// Adds a figure that is looked up for each scrape: another program makes the backups.
pub(crate) fn look_for_backups(metrics: &mut Metrics, database: PathBuf) {
    let mut registry = Registry::default();
    let help =
        "When the last backup was complete, by the file beside the database; 0: none is known";
    let gauge: Gauge<f64, AtomicU64> = register_metric(
        &mut registry,
        "postos_backup_last_timestamp_seconds",
        help,
        Gauge::default(),
    );
    metrics.add(registry);
    // While the disk hangs, scrapes must not take one thread each.
    let one = Arc::new(Semaphore::new(1));
    metrics.refresh_by(Box::new(move || {
        let (one, gauge, database) = (Arc::clone(&one), gauge.clone(), database.clone());
        async move {
            let Ok(permit) = one.try_acquire_owned() else { return };
            let looked_up = spawn_blocking(move || {
                let last = LastBackup::read(&database);
                gauge.set(last.map_or(0.0, |last| last.quando.as_millis() as f64 / 1000.0));
                drop(permit);
            });
            let _ = looked_up.await;
        }
        .boxed()
    }));
}
