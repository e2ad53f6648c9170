//! Brings what the store's metrics show up to date.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prometheus_client::registry::Registry;

use super::handle::Store;
use super::reader::figures::WeakFiguresReader;
use super::writer::state::WriterState;

/// What a scrape asks before it reads the metrics. It does not keep the store open.
#[derive(Clone)]
pub struct MetricsRefresh {
    state: WriterState,
    reader: WeakFiguresReader,
}

impl Store {
    /// What is counted and measured.
    pub fn metrics(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    pub fn metrics_refresh(&self) -> MetricsRefresh {
        MetricsRefresh { state: self.state.clone(), reader: self.figures.downgrade() }
    }
}

impl MetricsRefresh {
    /// Never waits for the writer.
    pub async fn refresh(&self) {
        let WriterState { metrics, is_writable, progress, queued, answered, .. } = &self.state;
        metrics.is_writable.set(is_writable.load(Relaxed).into());
        metrics.last_write.set(progress.last_write().as_millis() as f64 / 1000.0);
        let waiting = queued.load(Relaxed).saturating_sub(*answered.borrow());
        metrics.queue.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.reader.refresh().await;
    }
}
