//! What a program counts, as Prometheus reads it. Each crate declares its own metrics where they are
//! counted (docs/decisions/0080); here they are put together and written.

mod labels;
mod process;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};
use tokio::time::timeout;

use crate::settings::Setting;
pub use labels::{CodigoLabel, CommandLabel};
use process::Process;

/// Where `/metrics` is answered.
pub const METRICS_ADDR: Setting = Setting {
    name: "METRICS_ADDR",
    default: Some(""),
    should_be: "an address and port, for example 127.0.0.1:9464",
    about: "address of /metrics for Prometheus; empty: none",
};

/// How long a scrape waits for figures that must be looked up. Prometheus gives up after 10 s.
const REFRESH_LIMIT: Duration = Duration::from_secs(1);

/// Looks up figures for a scrape. One that is dropped while it runs leaves the figures of before.
type Refresh = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Everything that one program counts.
pub struct Metrics {
    registries: Vec<Arc<Registry>>,
    refreshes: Vec<Refresh>,
}

impl Metrics {
    /// With figures of the build and of the process.
    pub fn of_program(program: &'static str, id: &str) -> Self {
        let mut registry = Registry::default();
        let help = "What runs: the program, its version, and its SERVER_ID or MQTT_CLIENT_ID";
        let build = register_metric(
            &mut registry,
            "postos_build_info",
            help,
            Family::<_, Gauge>::default(),
        );
        let labels = [("program", program), ("version", crate::VERSION), ("id", id)];
        build.get_or_create(&labels.map(|(name, value)| (name, value.to_owned())).to_vec()).set(1);
        registry.register_collector(Box::new(Process::starts_now()));
        Self { registries: vec![Arc::new(registry)], refreshes: Vec::new() }
    }

    pub fn add(&mut self, registry: impl Into<Arc<Registry>>) {
        self.registries.push(registry.into());
    }

    /// Has figures looked up before each scrape is answered.
    pub fn refresh_by(&mut self, refresh: Refresh) {
        self.refreshes.push(refresh);
    }

    /// The answer to a scrape, in the text format of Prometheus.
    pub(crate) async fn text(&self) -> String {
        let refreshed = join_all(self.refreshes.iter().map(|refresh| refresh()));
        // What cannot be looked up in time keeps no other figure back.
        let _ = timeout(REFRESH_LIMIT, refreshed).await;
        let mut text = String::new();
        for registry in &self.registries {
            if let Err(error) = prometheus_text::encode(&mut text, registry) {
                tracing::error!(%error, "a metric cannot be written");
            }
        }
        text
    }
}

/// Registers a metric and returns it, so that one line declares it.
pub fn register_metric<M: Metric + Clone>(
    registry: &mut Registry,
    name: &'static str,
    help: &'static str,
    metric: M,
) -> M {
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scrape_has_what_was_counted_and_waits_for_no_figure_for_long() {
        let mut metrics = Metrics::of_program("server", "server\"1");
        let mut registry = Registry::default();
        let counter: Counter =
            register_metric(&mut registry, "postos_x", "Of a test", Counter::default());
        metrics.add(registry);
        let counted = counter.clone();
        metrics.refresh_by(Box::new(move || {
            counted.inc();
            std::future::ready(()).boxed()
        }));
        metrics.refresh_by(Box::new(|| std::future::pending().boxed()));
        counter.inc_by(6);
        let before = tokio::time::Instant::now();
        let text = metrics.text().await;
        assert_eq!(before.elapsed(), REFRESH_LIMIT);
        assert!(text.contains("# TYPE postos_x_total counter\npostos_x_total 7\n"), "{text}");
        let version = crate::VERSION;
        let build = format!(
            "postos_build_info{{program=\"server\",version=\"{version}\",id=\"server\\\"1\"}} 1\n"
        );
        assert!(text.contains(&build), "{text}");
        for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds", "max_fds"] {
            let value = value(&text, &format!("process_{name} "));
            assert!(value.is_some_and(|value| value >= 0.0), "{name} {text}");
        }
        let started = value(&text, "process_start_time_seconds ").expect("a moment");
        let now = crate::now().as_millis() as f64 / 1000.0;
        assert!((now - 60.0..=now).contains(&started), "{started} {now}");
        std::thread::sleep(Duration::from_millis(20));
        let again = value(&metrics.text().await, "process_start_time_seconds ");
        assert_eq!(again, Some(started), "it does not move");
    }

    fn value(text: &str, series: &str) -> Option<f64> {
        let line = text.lines().find(|line| line.starts_with(series));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse().ok())
    }
}
