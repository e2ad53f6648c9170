//! The metrics of the bus. What it counts is declared in `counters.rs`.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::state::BusState;

pub(crate) fn registry(state: &Arc<BusState>) -> Registry {
    let mut registry = Registry::default();
    state.counters.register(&mut registry);
    let help = "From sending a packet to the broker's acknowledgement";
    registry.register("postos_bus_puback_seconds", help, state.puback.clone());
    registry.register_collector(Box::new(State(Arc::downgrade(state))));
    registry
}

/// Reads the state of the bus when it is asked for.
#[derive(Debug)]
struct State(Weak<BusState>);

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(state) = self.0.upgrade() else { return Ok(()) };
        let mut gauge = |name: &str, help: &str, value: usize| {
            let kind = MetricType::Gauge;
            encoder.encode_descriptor(name, help, None, kind)?.encode_gauge(&value)
        };
        let is_up = state.link.borrow().generation().is_some();
        gauge("postos_bus_link_up", "Connected to the broker and subscribed", is_up.into())?;
        let seen = state.presence_seen.load(Relaxed);
        let help = "The broker has delivered the presence of this program, so others see it; 0 of a \
                    program without one";
        gauge("postos_bus_presence_seen", help, seen.into())?;
        let (waiting, capacity) = {
            let outbox = state.outbox.lock();
            (outbox.len(), outbox.capacity())
        };
        let help = "Messages that the broker does not have yet, waiting or in flight";
        gauge("postos_bus_outbox_messages", help, waiting)?;
        gauge("postos_bus_outbox_capacity", "How many messages the outbox takes", capacity)?;
        let in_flight = state.in_flight.load(Relaxed);
        gauge("postos_bus_in_flight_packets", "Packets that the broker has not answered", in_flight)
    }
}
