//! What a gateway counts.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use protocol::topics::Command;
use service::{CommandLabel, register_metric};

use crate::error::GatewayError;

/// In seconds: from a servidor nearby to the longest time limit that is common.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

#[derive(Debug)]
pub(crate) struct GatewayMetrics {
    /// By the place of the command in [`Command::ALL`].
    commands: Vec<CommandMetrics>,
    pub(crate) requester: RequesterMetrics,
    listings: Family<SourceLabel, Counter>,
    streams: Family<KindLabel, Gauge>,
    /// Of `GET /eventos`.
    pub(crate) dropped_events: Counter,
    pub(crate) servidores: Family<StatusLabel, Gauge>,
    pub(crate) in_flight: Gauge,
    pub(crate) token_errors: Counter,
}

/// Of one command, looked up once: each request is counted here.
#[derive(Debug)]
struct CommandMetrics {
    answered: Counter,
    timed_out: Counter,
    refused: Counter,
    seconds: Histogram,
}

/// What the requester counts.
#[derive(Debug, Clone, Default)]
pub struct RequesterMetrics {
    pub(crate) unawaited: Counter,
    pub(crate) repeated: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    command: CommandLabel,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    command: CommandLabel,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabel {
    source: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

/// As on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct StatusLabel {
    pub(crate) status: &'static str,
}

impl GatewayMetrics {
    #[rustfmt::skip] // One line for each metric.
    pub(crate) fn new(of: &mut Registry) -> Arc<Self> {
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> _);
        let seconds: Family<CommandLabels, Histogram, fn() -> Histogram> = register_metric(of, "postos_gateway_reply_seconds", "From a command to its answer", seconds);
        let outcomes: Family<OutcomeLabels, Counter> = register_metric(of, "postos_gateway_commands", "Commands by outcome: answered (a refusal is an answer), timed_out, or refused: not sent, or not taken by the broker", Family::default());
        let of_command = |command: &Command| {
            let command = CommandLabel(*command);
            let outcome = |outcome| outcomes.get_or_create_owned(&OutcomeLabels { command, outcome });
            let seconds = seconds.get_or_create_owned(&CommandLabels { command });
            CommandMetrics { answered: outcome("answered"), timed_out: outcome("timed_out"), refused: outcome("refused"), seconds }
        };
        Arc::new(Self {
            commands: Command::ALL.iter().map(of_command).collect(),
            requester: RequesterMetrics {
                unawaited: register_metric(of, "postos_gateway_replies_unawaited", "Replies that no caller waited for: late, or of a repeat", Counter::default()),
                repeated: register_metric(of, "postos_gateway_commands_repeated", "Commands published again: at half time, or after a reconnection", Counter::default()),
            },
            listings: register_metric(of, "postos_gateway_listings", "Listings by source: servidor (sent by it) or kept (the servidor has confirmed what this gateway keeps)", Family::default()),
            streams: register_metric(of, "postos_gateway_event_streams", "Event streams that are open, by kind: all or reserva", Family::default()),
            dropped_events: register_metric(of, "postos_gateway_feed_resyncs", "Times that a slow reader of all events lost some and was sent the whole state", Counter::default()),
            servidores: register_metric(of, "postos_gateway_servidores", "Servidores that this gateway sees, by status", Family::default()),
            in_flight: register_metric(of, "postos_gateway_commands_in_flight", "Commands that wait for their answer", Gauge::default()),
            token_errors: register_metric(of, "postos_gateway_token_file_errors", "Changes of API_TOKENS_FILE that could not be read; the tokens stay as they were", Counter::default()),
        })
    }

    /// A command has ended for its caller.
    pub(crate) fn ended<T>(
        &self,
        command: Command,
        outcome: &Result<T, GatewayError>,
        duration: Duration,
    ) {
        let Some(counted) = self.commands.get(command as usize) else { return };
        match outcome {
            Ok(_) => {
                counted.answered.inc();
                counted.seconds.observe(duration.as_secs_f64());
            }
            Err(GatewayError::Timeout { .. }) => {
                counted.timed_out.inc();
            }
            Err(_) => {
                counted.refused.inc();
            }
        }
    }

    pub(crate) fn listed(&self, is_kept: bool) {
        let source = if is_kept { "kept" } else { "servidor" };
        self.listings.get_or_create(&SourceLabel { source }).inc();
    }

    /// A stream of events is open until the result is dropped.
    pub(crate) fn stream(&self, kind: &'static str) -> CountedStream {
        let gauge = self.streams.get_or_create_owned(&KindLabel { kind });
        gauge.inc();
        CountedStream(gauge)
    }
}

pub(crate) struct CountedStream(Gauge);

impl Drop for CountedStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}
