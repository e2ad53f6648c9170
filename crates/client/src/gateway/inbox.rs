//! What reaches a gateway over the broker: answers, and who is there.

use bus::{Change, Delivery};
use protocol::{ReplyHead, ServerPresence, topics};
use tokio::sync::mpsc;
use tracing::{debug, info};

use super::{Gateway, Reply};

/// Takes messages in until the bus is closed. An answer has no effect here, so it is
/// acknowledged as it arrives.
pub(crate) async fn run(gateway: Gateway, mut inbox: mpsc::Receiver<Delivery>) {
    while let Some(delivery) = inbox.recv().await {
        if topics::is_presence(&delivery.topic) {
            observe(&gateway, &delivery);
        } else {
            deliver(&gateway, &delivery);
        }
        delivery.ack.done();
    }
}

fn observe(gateway: &Gateway, delivery: &Delivery) {
    // A retained message that was removed from the broker arrives empty.
    if delivery.payload.is_empty() {
        return;
    }
    let presence = match ServerPresence::from_json(&delivery.payload) {
        Ok(presence) if topics::presence(&presence.server_id) == delivery.topic => presence,
        Ok(_) => {
            return gateway
                .bus
                .bad_message(&delivery.topic, "server_id is not the one in the topic");
        }
        Err(error) => return gateway.bus.bad_message(&delivery.topic, &error.to_string()),
    };
    let server_id = presence.server_id.clone();
    match gateway.directory.observe(presence, delivery.generation, service::now()) {
        Change::Came => {
            info!(%server_id, "servidor online");
            gateway.requester.server_returned(&server_id);
        }
        Change::Went => info!(%server_id, "servidor offline"),
        Change::Unchanged => {}
    }
}

fn deliver(gateway: &Gateway, delivery: &Delivery) {
    let replies = match protocol::split(&delivery.payload) {
        Ok((replies, _)) => replies,
        Err(bad) => return gateway.bus.bad_message(&delivery.topic, &bad.to_string()),
    };
    for reply in replies {
        match ReplyHead::from_json(reply) {
            Ok(head) => {
                let body = delivery.payload.slice_ref(reply);
                let reply = Reply { codigo: head.codigo, body };
                if !gateway.requester.deliver(&head.request_id, reply) {
                    debug!(request_id = %head.request_id, "nobody waits for this answer");
                }
            }
            Err(error) => gateway.bus.bad_message(&delivery.topic, &error.to_string()),
        }
    }
}
