//! What a measurement came to.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// Latencies in microseconds, and what went wrong.
pub(crate) struct Stats {
    begun: Instant,
    length: Duration,
    latencies: Histogram<u64>,
    /// Answers that were not the truth, or not what was asked for.
    pub(crate) errors: u64,
    /// One of them.
    pub(crate) example: Option<String>,
}

impl Stats {
    pub(crate) fn start() -> Self {
        let latencies = Histogram::new_with_bounds(1, 120_000_000, 3).expect("bounds");
        Self { begun: Instant::now(), length: Duration::ZERO, latencies, errors: 0, example: None }
    }

    pub(crate) fn end(&mut self) {
        self.length = self.begun.elapsed();
    }

    pub(crate) fn note(&mut self, latency: Duration) {
        self.latencies
            .saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    pub(crate) fn wrong(&mut self, what: String) {
        self.errors += 1;
        self.example.get_or_insert(what);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.latencies.add(&other.latencies).expect("the same bounds");
        self.errors += other.errors;
        if self.example.is_none() {
            self.example.clone_from(&other.example);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.latencies.len()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count() as f64 / self.length.as_secs_f64()
    }

    /// A percentile, in milliseconds.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        self.latencies.value_at_percentile(percent) as f64 / 1000.0
    }
}
