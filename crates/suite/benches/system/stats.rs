//! The result of one measurement.

use std::time::{Duration, Instant};

/// Latencies and errors.
pub(crate) struct Stats {
    begun: Instant,
    length: Duration,
    /// Answers that were right.
    count: u64,
    /// In microseconds; sorted at the end of the measurement. Not a histogram for each caller: 64 of
    /// them would fill the processor's caches.
    latencies: Vec<u32>,
    /// Answers that were wrong or failed.
    pub(crate) errors: u64,
    /// The first error.
    pub(crate) example: Option<String>,
}

impl Stats {
    pub(crate) fn start() -> Self {
        let (begun, length) = (Instant::now(), Duration::ZERO);
        Self { begun, length, count: 0, latencies: Vec::new(), errors: 0, example: None }
    }

    /// The figures of another generator. `latencies` are microseconds in ascending order, each with
    /// how often it was measured. They may be more than `count`: wrk adds those of requests that
    /// would have been sent while it waited for a slow answer.
    pub(crate) fn counted(count: u64, length: Duration, latencies: &[(u32, usize)]) -> Self {
        let latencies = latencies.iter().flat_map(|(micros, n)| std::iter::repeat_n(*micros, *n));
        Self { count, length, latencies: latencies.collect(), ..Self::start() }
    }

    pub(crate) fn end(&mut self) {
        self.length = self.begun.elapsed();
        self.latencies.sort_unstable();
    }

    pub(crate) fn add_latency(&mut self, latency: Duration) {
        self.count += 1;
        self.latencies.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn add_error(&mut self, what: String) {
        self.errors += 1;
        self.example.get_or_insert(what);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.latencies.extend_from_slice(&other.latencies);
        self.errors += other.errors;
        if self.example.is_none() {
            self.example.clone_from(&other.example);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.count() as f64 / self.length.as_secs_f64()
    }

    /// A percentile of a measurement that has ended, in milliseconds.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let place = (self.latencies.len() as f64 * percent / 100.0).ceil() as usize;
        let latency = self.latencies.get(place.saturating_sub(1));
        f64::from(latency.copied().unwrap_or_default()) / 1000.0
    }
}
