//! Recognises copies of a message that was given up.
//!
//! Where such a message ends connections, the broker delivers the command again that it answers,
//! and the command is answered again. Each copy would end as many connections, and the command
//! would come again on each. Some brokers refuse a message properly and then close as well. Copies
//! of an answer need not be equal: a listing is read anew for each.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::RequestId;
use tokio::time::Instant;

use crate::outbox::Batch;
use crate::{Outgoing, ReasonCode, Refusal};

/// Copies of an event have the same beginning.
const COMPARED_BYTES: usize = 128;
/// The broker may have been given another limit since.
const REMEMBERED_FOR: Duration = Duration::from_secs(60);
const MAX_REMEMBERED: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct GivenUpList {
    /// Usually false: then nothing is compared.
    has_any: AtomicBool,
    list: Mutex<VecDeque<Remembered>>,
}

#[derive(Debug)]
struct Remembered {
    topic: String,
    request_id: Option<RequestId>,
    start: Bytes,
    /// Of the payload.
    bytes: usize,
    refusal: Refusal,
    since: Instant,
}

impl GivenUpList {
    pub(crate) fn remember(&self, message: &Outgoing, refusal: Refusal) {
        // Quotas recover, and what is over the announced maximum is not sent anyway.
        let is_lasting = !matches!(
            refusal,
            Refusal::Refused(ReasonCode::QUOTA_EXCEEDED) | Refusal::TooLarge { max: Some(_), .. }
        );
        let mut list = self.list.lock();
        if !is_lasting || list.iter().any(|known| known.has_copy(message)) {
            return;
        }
        list.truncate(MAX_REMEMBERED - 1);
        list.push_front(Remembered {
            topic: message.topic.clone(),
            request_id: message.request_id.clone(),
            bytes: message.payload.len(),
            start: Bytes::copy_from_slice(start(&message.payload)),
            refusal,
            since: Instant::now(),
        });
        self.has_any.store(true, Relaxed);
    }

    /// Why a packet must not be sent: it has a copy of a message that was given up.
    pub(crate) fn find(&self, batch: &Batch) -> Option<Refusal> {
        if !self.has_any.load(Relaxed) {
            return None;
        }
        let mut list = self.list.lock();
        list.retain(|known| known.since.elapsed() < REMEMBERED_FOR);
        self.has_any.store(!list.is_empty(), Relaxed);
        let has_copy = |known: &&Remembered| batch.items.iter().any(|item| known.has_copy(item));
        list.iter().find(has_copy).map(|known| known.refusal)
    }
}

impl Remembered {
    fn has_copy(&self, message: &Outgoing) -> bool {
        self.topic == message.topic
            && match (&self.request_id, &message.request_id) {
                (Some(known), Some(other)) => {
                    known == other && message.payload.len() > self.bytes / 2
                }
                (None, None) => self.start == start(&message.payload),
                _ => false,
            }
    }
}

fn start(payload: &Bytes) -> &[u8] {
    &payload[..payload.len().min(COMPARED_BYTES)]
}
