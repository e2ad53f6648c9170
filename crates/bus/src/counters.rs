//! What the bus counts. Each counter is declared once, in the list at the end.

use std::time::Duration;

use prometheus_client::metrics::counter;
use prometheus_client::registry::Registry;

/// How often the counters are logged, if any has changed.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Counter(counter::Counter);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.inc_by(count as u64);
    }
}

/// Makes the counters, their snapshot, their metrics and their log line from one list of names.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A snapshot of what has happened since the bus was connected.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// Messages now waiting to be published or acknowledged.
            pub outbox_len: u64,
        }

        #[derive(Debug, Default)]
        pub(crate) struct RunningCounters {
            $(pub(crate) $name: Counter,)+
        }

        impl RunningCounters {
            pub(crate) fn snapshot(&self, outbox_len: usize) -> Counters {
                Counters {
                    $($name: self.$name.0.get(),)+
                    outbox_len: outbox_len as u64,
                }
            }

            /// Each is `postos_bus_…_total`.
            pub(crate) fn register(&self, registry: &mut Registry) {
                $(
                    let help = concat!($($doc),+).trim().trim_end_matches('.');
                    let name = concat!("postos_bus_", stringify!($name));
                    registry.register(name, help, self.$name.0.clone());
                )+
            }
        }

        impl Counters {
            fn log(&self) {
                let Self { outbox_len, $($name,)+ } = self;
                tracing::info!(outbox_len, $($name,)+ "messages so far");
            }
        }
    };
}

/// Logs the counters regularly, without end.
pub(crate) async fn log_regularly(mut counters: impl FnMut() -> Counters) {
    let mut logged = Counters::default();
    loop {
        tokio::time::sleep(LOG_INTERVAL).await;
        let current = counters();
        if current != logged {
            current.log();
            logged = current;
        }
    }
}

counters! {
    /// Messages handed to the connection. One that is sent again after a reconnection counts
    /// again, each item of an array counts.
    published,
    /// Packets they were sent in: what the broker has to handle.
    packets,
    /// Messages the broker has accepted.
    acknowledged,
    /// Messages the broker refused, or that are larger than it accepts: dropped.
    refused,
    /// Messages that expired before the broker had them: dropped.
    expired,
    /// Messages not accepted because the outbox was full, and QoS 0 deliveries dropped because
    /// the inbox was.
    dropped_full,
    /// Deliveries.
    received,
    /// Publishes that the broker marked as sent before (DUP).
    redelivered,
    /// Deliveries dropped without an acknowledgement: the broker delivers them again.
    abandoned,
    /// Deliveries that were no valid message.
    bad,
    /// Connections after the first.
    reconnects,
    /// Connections lost because another program uses the same id.
    takeovers,
}
