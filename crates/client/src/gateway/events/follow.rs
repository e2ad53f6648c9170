//! Following one reserva: its servidor is asked for it whenever it may have changed.
//!
//! What is sent is always the answer to a consulta, never an event of the bus: an event may be of
//! another servidor, older than what was sent, or forged. It only says when to ask.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use protocol::{RequestId, topics};
use tokio::sync::watch;
use tokio::time::timeout_at;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::follow_task::{FollowTask, read_events};
use super::servidor::Servidor;
use super::snapshot::Snapshot;
use super::watches::{Listener, WatchState};
use crate::error::GatewayError;
use crate::gateway::call::NoAnswer;
use crate::gateway::listing::with_request_id;
use crate::gateway::{Gateway, NamedReserva};

/// How many of this gateway's own events may wait. Each is on the public topic too.
const MAX_WAITING_EVENTS: usize = 1024;

impl Gateway {
    /// Follows a reserva, as soon as its servidor has answered a consulta that was sent after this call.
    /// A refusal has the id `asking`.
    ///
    /// # Errors
    /// The servidor does not know it, or is not asked in time.
    pub(crate) async fn follow_reserva(
        self: &Arc<Self>,
        asking: &RequestId,
        reserva: NamedReserva,
    ) -> Result<Followed, NoAnswer> {
        let deadline = self.query_deadline();
        let server_id = reserva.server_id.clone();
        let timed_out = GatewayError::Timeout { server_id, ask_about: None };
        let watches = &self.events.watches;
        let start = |watch| {
            let following = FollowTask::new(Arc::clone(self), watch);
            AbortOnDropHandle::new(tokio::spawn(following.run().in_current_span()))
        };
        let read_own = || {
            let topic = topics::client_reserva_status(&self.config.client_id);
            let subscription = self.bus.subscribe(&topic, MAX_WAITING_EVENTS);
            let reading = read_events(Arc::clone(self), Arc::clone(watches), subscription);
            AbortOnDropHandle::new(tokio::spawn(reading.in_current_span()))
        };
        let listener = watches.follow(reserva, start, read_own);
        let number = listener.watch.ask();
        let mut seen = listener.watch.seen.subscribe();
        let answered = seen.wait_for(|seen| seen.answered >= number);
        let answered = match timeout_at(deadline, answered).await {
            Ok(Ok(seen)) => seen.clone(),
            _ => return Err(timed_out.into()),
        };
        match answered.refused {
            Some(NoAnswer::Refused(reply)) => {
                Err(NoAnswer::Refused(with_request_id(reply, asking)))
            }
            Some(NoAnswer::Gateway(error)) => Err(error.into()),
            None => Ok(Followed::new(listener, seen, answered)),
        }
    }
}

/// A reserva that is followed by one listener.
pub(crate) struct Followed {
    _listener: Listener,
    seen: watch::Receiver<WatchState>,
    /// What the listener was sent last.
    snapshot: Option<Snapshot>,
    servidor: Option<Servidor>,
    waiting: VecDeque<Bytes>,
    is_over: bool,
}

impl Followed {
    fn new(listener: Listener, seen: watch::Receiver<WatchState>, answered: WatchState) -> Self {
        let WatchState { snapshot, servidor, .. } = answered;
        let mut followed = Self {
            _listener: listener,
            seen,
            snapshot: None,
            servidor,
            waiting: VecDeque::new(),
            is_over: false,
        };
        followed.queue(snapshot);
        followed
    }

    /// Leaves out the present state if the reader has it already, because its last event had this
    /// versao. Returns whether there is nothing more to send.
    pub(crate) fn resume(&mut self, last_versao: i64) -> bool {
        if self.snapshot.as_ref().is_some_and(|snapshot| snapshot.versao == last_versao) {
            self.waiting.clear();
        }
        self.is_over && self.waiting.is_empty()
    }

    /// The next event; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.is_over || self.seen.changed().await.is_err() {
                return None;
            }
            let WatchState { snapshot, servidor, is_forgotten, .. } =
                self.seen.borrow_and_update().clone();
            self.waiting.extend(Servidor::news(servidor.as_ref(), self.servidor.as_ref()));
            self.servidor = servidor;
            self.queue(snapshot);
            self.is_over |= is_forgotten;
        }
    }

    fn queue(&mut self, snapshot: Option<Snapshot>) {
        if self.snapshot != snapshot {
            self.waiting.extend(snapshot.as_ref().map(|snapshot| snapshot.event.clone()));
            self.snapshot = snapshot;
        }
        self.is_over |=
            self.snapshot.as_ref().is_some_and(|snapshot| snapshot.is_over(service::now()));
    }
}
