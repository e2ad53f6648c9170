//! Handles what arrives from the broker: replies, and the presence of servidores.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bus::Delivery;
use protocol::{ReplyHead, ServerPresence, topics};
use service::{MessageArrival, SpanMessage};
use tokio::sync::mpsc;
use tracing::{debug, info};

use super::directory::Change;
use super::{Gateway, Reply};

/// Handles deliveries until the bus is closed. A reply changes nothing on disk, so it is
/// acknowledged as it arrives.
pub(crate) async fn run(gateway: Arc<Gateway>, mut inbox: mpsc::Receiver<Delivery>) {
    while let Some(delivery) = inbox.recv().await {
        // A panic is logged where it happens. The next program would end by this message as well.
        let _ = catch_unwind(AssertUnwindSafe(|| handle(&gateway, &delivery)));
        delivery.ack.done();
    }
}

fn handle(gateway: &Gateway, delivery: &Delivery) {
    match topics::presence_of(&delivery.topic) {
        Some(server_id) => observe(gateway, delivery, server_id),
        None => deliver(gateway, delivery),
    }
}

fn observe(gateway: &Gateway, delivery: &Delivery, server_id: &str) {
    let topic = &delivery.topic;
    // A retained message that was removed from the broker arrives empty.
    if delivery.payload.is_empty() {
        if gateway.directory.forget(server_id) {
            info!(server_id, "servidor removed");
            gateway.update_arrays();
        }
        return;
    }
    let presence: ServerPresence = match serde_json::from_slice(&delivery.payload) {
        Ok(presence) => presence,
        Err(error) => return gateway.bus.bad_message(topic, &error.to_string()),
    };
    if presence.server_id.as_str() != server_id {
        return gateway.bus.bad_message(topic, "server_id is not the one in the topic");
    }
    let server_id = presence.server_id.clone();
    let change = gateway.directory.observe(presence, delivery.generation, service::now());
    gateway.update_arrays();
    match change {
        Change::Online => {
            info!(%server_id, "servidor online");
            gateway.requester.server_returned(&server_id);
        }
        Change::Offline => info!(%server_id, "servidor offline"),
        Change::Unchanged => {}
    }
}

fn deliver(gateway: &Gateway, delivery: &Delivery) {
    let replies = match protocol::split_replies(&delivery.payload) {
        Ok(replies) => replies,
        Err(bad) => return gateway.bus.bad_message(&delivery.topic, &bad.to_string()),
    };
    let items = replies.len();
    for (index, reply) in replies.into_iter().enumerate() {
        match ReplyHead::from_json(reply) {
            Ok(head) => {
                let body = delivery.payload.slice_ref(reply);
                let reply = Reply { codigo: head.codigo, body };
                if !gateway.requester.deliver(&head.request_id, reply) {
                    debug!(request_id = %head.request_id, "no caller waits for this reply");
                }
                note_arrival(gateway, delivery, (index, items), &head.request_id);
            }
            Err(error) => gateway.bus.bad_message(&delivery.topic, &error.to_string()),
        }
    }
}

/// Adds the way back to the trace of the caller.
fn note_arrival(
    gateway: &Gateway,
    delivery: &Delivery,
    (index, items): (usize, usize),
    request_id: &str,
) {
    let Some(traces) = delivery.traces.as_ref().filter(|_| gateway.tracer.is_on()) else { return };
    let arrival = MessageArrival { traceparent: traces.of_item(index, items), at: Some(traces.at) };
    let (topic, request_id) = (delivery.topic.as_str(), request_id.parse().ok());
    // After `client/{client_id}/`.
    let kind = topic.splitn(3, '/').nth(2).unwrap_or(topic);
    gateway.tracer.receive(SpanMessage { kind, topic, request_id: request_id.as_ref() }, arrival);
}
