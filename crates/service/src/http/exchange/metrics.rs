//! What is counted of the requests.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::MatchedPath;
use foldhash::HashMap;
use parking_lot::RwLock;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, LabelValueEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use protocol::ReplyCodigo;

use crate::http::connection::limit;
use crate::metrics::{CodigoLabel, register_metric};

/// In seconds: from a probe to the longest that a caller waits.
const BUCKETS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The metrics of one HTTP API. Clones share them.
#[derive(Clone)]
pub struct HttpMetrics(Arc<HttpFamilies>);

struct HttpFamilies {
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    refused: Counter,
    /// What each kind of answer is counted in, found with one lookup and a quick hash. As bounded as
    /// the families, because it has one entry for each series.
    counted: RwLock<HashMap<RequestLabels, Counted>>,
}

struct Counted {
    requests: Counter,
    seconds: Histogram,
}

/// Every value is one of few, whatever a caller sends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: Route,
    method: &'static str,
    status: u16,
    /// Empty for a success.
    codigo: Option<CodigoLabel>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: Route,
    method: &'static str,
}

/// The template of a route; `None` where there is no such route.
#[derive(Debug, Clone)]
pub(in crate::http) struct Route(pub(in crate::http) Option<MatchedPath>);

impl HttpMetrics {
    pub fn new(registry: &mut Registry) -> Self {
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        let metrics = Self(Arc::new(HttpFamilies {
            requests: register_metric(
                registry,
                "postos_http_requests",
                "Requests that were answered; route is unknown where there is none, codigo is empty \
                 for a success",
                Family::default(),
            ),
            seconds: register_metric(
                registry,
                "postos_http_request_duration_seconds",
                "From the head of a request to the head of its answer",
                seconds,
            ),
            in_flight: register_metric(
                registry,
                "postos_http_requests_in_flight",
                "Requests that are being answered",
                Gauge::default(),
            ),
            refused: register_metric(
                registry,
                "postos_http_refused",
                "Requests refused before any route was looked at: they are not written as HTTP \
                 demands, or there were too many connections",
                Counter::default(),
            ),
            counted: RwLock::default(),
        }));
        registry.register_collector(Box::new(OpenConnections));
        metrics
    }

    /// A request is being answered until the result is dropped.
    pub(in crate::http) fn begin(&self) -> Answering<'_> {
        self.0.in_flight.inc();
        Answering(&self.0.in_flight)
    }

    pub(in crate::http) fn answered(
        &self,
        route: Route,
        method: &'static str,
        status: u16,
        codigo: Option<ReplyCodigo>,
        duration: Duration,
    ) {
        let codigo = codigo.map(CodigoLabel);
        let labels = RequestLabels { route, method, status, codigo };
        if let Some(counted) = self.0.counted.read().get(&labels) {
            return counted.count(duration);
        }
        let of_route = RouteLabels { route: labels.route.clone(), method };
        let requests = self.0.requests.get_or_create_owned(&labels);
        let seconds = self.0.seconds.get_or_create_owned(&of_route);
        let counted = Counted { requests, seconds };
        counted.count(duration);
        self.0.counted.write().insert(labels, counted);
    }

    pub(in crate::http) fn refused(&self) {
        self.0.refused.inc();
    }
}

impl Counted {
    fn count(&self, duration: Duration) {
        self.requests.inc();
        self.seconds.observe(duration.as_secs_f64());
    }
}

/// Metrics that nobody reads.
impl Default for HttpMetrics {
    fn default() -> Self {
        Self::new(&mut Registry::default())
    }
}

/// A request in flight. Its caller may go away before the answer, and then this is dropped too.
pub(in crate::http) struct Answering<'a>(&'a Gauge);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Route {
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or("unknown", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.as_str().encode(encoder)
    }
}

#[derive(Debug)]
struct OpenConnections;

impl Collector for OpenConnections {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let connections = limit::of_this_process();
        let help = "HTTP connections of this process, those of /metrics left out";
        let gauge = MetricType::Gauge;
        encoder
            .encode_descriptor("postos_http_connections", help, None, gauge)?
            .encode_gauge(&connections.sockets())?;
        let help = "How many connections may be open before some are closed for new ones";
        encoder
            .encode_descriptor("postos_http_connections_max", help, None, gauge)?
            .encode_gauge(&connections.max())
    }
}
