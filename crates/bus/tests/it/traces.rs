//! Traces of messages, packet by packet.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Delivery, Join, MessageTrace, Outgoing};
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{Span as _, Status, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use parking_lot::Mutex;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish, PublishProperties};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::fake_broker::{FakeBroker, GRANTED, Peer};
use crate::support::{eventually, message, next, options, up};

/// The spans that have ended.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Ended {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().append(&mut batch);
        Ok(())
    }
}

fn tracer(sampler: Sampler) -> (BoxedTracer, Ended) {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder().with_sampler(sampler);
    let provider = provider.with_simple_exporter(ended.clone()).build();
    (BoxedTracer::new(Box::new(provider.tracer("test"))), ended)
}

async fn connected() -> (Peer, Bus, mpsc::Receiver<Delivery>) {
    let (broker, port) = FakeBroker::start().await;
    let (bus, deliveries) = bus::connect(options(port, "b", &["t"]));
    let peer = broker.accept(None, GRANTED).await;
    up(&bus).await;
    (peer, bus, deliveries)
}

fn traceparents(publish: &Publish) -> Vec<&str> {
    let properties = publish.properties.as_ref().map(|known| known.user_properties.as_slice());
    let ours = properties.unwrap_or_default().iter().filter(|(name, _)| name == "traceparent");
    ours.map(|(_, value)| value.as_str()).collect()
}

#[tokio::test]
async fn an_array_has_a_property_for_each_item_and_what_is_not_traced_has_none() {
    let (mut peer, bus, _deliveries) = connected().await;
    let (sampled, ended) = tracer(Sampler::AlwaysOn);
    let (unsampled, _) = tracer(Sampler::AlwaysOff);
    let joined = |payload: &'static str, trace| Outgoing {
        join: Join::WhenWaiting,
        trace,
        ..message("out", payload)
    };
    // As many as may be in flight, so that the next ones wait for each other.
    let mut open = Vec::new();
    for payload in ["1", "2"] {
        bus.publish(joined(payload, None)).unwrap();
        let publish = peer.publish().await;
        assert!(traceparents(&publish).is_empty(), "{publish:?}");
        open.push(publish.pkid);
    }
    let span = sampled.start("publish");
    let context = span.span_context().clone();
    bus.publish(joined("3", Some(MessageTrace::new(span)))).unwrap();
    bus.publish(joined("4", None)).unwrap();
    bus.publish(joined("5", Some(MessageTrace::new(unsampled.start("publish"))))).unwrap();
    for pkid in open {
        peer.acknowledge(pkid).await;
    }
    let publish = peer.publish().await;
    assert_eq!(publish.payload, "[3,4,5]");
    let expected = format!("00-{}-{}-01", context.trace_id(), context.span_id());
    assert_eq!(traceparents(&publish), [&*expected, "", ""]);
    assert!(ended.0.lock().is_empty(), "the broker does not have it yet");
    peer.acknowledge(publish.pkid).await;
    eventually("its span ends", || !ended.0.lock().is_empty()).await;
    let [span] = &ended.0.lock()[..] else { panic!("{ended:?}") };
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["sent"]);
}

#[tokio::test]
async fn the_span_of_a_message_that_the_broker_never_gets_says_so() {
    let (peer, bus, _deliveries) = connected().await;
    drop(peer);
    let (sampled, ended) = tracer(Sampler::AlwaysOn);
    let trace = Some(MessageTrace::new(sampled.start("publish")));
    let expires_at = Some(Instant::now() + Duration::from_millis(300));
    bus.publish(Outgoing { expires_at, trace, ..message("out", "1") }).unwrap();
    eventually("it expires", || !ended.0.lock().is_empty()).await;
    let [span] = &ended.0.lock()[..] else { panic!("{ended:?}") };
    assert!(matches!(span.status, Status::Error { .. }), "{span:?}");
}

#[tokio::test]
async fn a_delivery_has_the_traces_that_its_sender_named() {
    let (mut peer, _bus, mut deliveries) = connected().await;
    let sent: [&[&str]; 3] = [&[], &["a"], &["a", "", "c"]];
    for values in sent {
        let property = |value: &&str| ("traceparent".to_owned(), (*value).to_owned());
        let mut user_properties = vec![("other".to_owned(), "x".to_owned())];
        user_properties.extend(values.iter().map(property));
        let properties = PublishProperties { user_properties, ..PublishProperties::default() };
        let mut publish = Publish::new("t", QoS::AtLeastOnce, "1", Some(properties));
        publish.pkid = 1;
        peer.send(Packet::Publish(publish)).await;
        let delivery = next(&mut deliveries).await;
        let found: Vec<_> = (0..values.len())
            .filter_map(|index| delivery.traces.as_ref()?.of_item(index, values.len()))
            .collect();
        assert_eq!(found, values);
        assert_eq!(delivery.traces.is_some(), !values.is_empty());
        delivery.ack.done();
        peer.receive().await;
    }
}
