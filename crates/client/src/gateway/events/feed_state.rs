//! The state that all listeners of `GET /eventos` share.
//!
//! Events and the state change under one lock, so a new listener misses none. Why none is lost between
//! the listing and the events: a list is asked for after the subscription is in force, an event
//! that comes while it is on its way is applied at once and again to the list when it comes, and of
//! each posto the last event wins. A servidor reads a posto after the change that it publishes, so a
//! list that was asked for after an event is never older than that event.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use protocol::{PontoStatus, ServerId};

use super::feed_queue::{FeedQueue, Found, Position};
use super::postos::{Applied, Postos, offline};
use super::servidor::Servidor;

/// The state, and the queue of its changes.
#[derive(Default)]
pub(super) struct FeedState(Mutex<FeedData>);

#[derive(Default)]
struct FeedData {
    servidores: BTreeMap<ServerId, KnownServidor>,
    /// The events of those that were removed, for readers that miss them.
    removed: BTreeMap<ServerId, Bytes>,
    events: FeedQueue,
}

/// Servidores that were removed and are remembered.
const MAX_REMOVED: usize = 256;

struct KnownServidor {
    servidor: Servidor,
    /// `None` until they are listed.
    postos: Option<Postos>,
    /// The events that came while a list is on its way.
    meanwhile: Option<Vec<PontoStatus>>,
    /// No list has come, although one was asked for: listeners know at least that it is there.
    is_silent: bool,
}

impl KnownServidor {
    fn events(&self) -> Vec<Bytes> {
        match &self.postos {
            Some(postos) => postos.events().collect(),
            None if self.is_silent => vec![self.servidor.event()],
            None if self.servidor.is_online() => Vec::new(),
            None => vec![offline(&self.servidor.server_id)],
        }
    }
}

impl FeedState {
    pub(super) fn reader(&self) -> Reader {
        let state = self.0.lock();
        let waiting = state.servidores.values().flat_map(KnownServidor::events).collect();
        Reader { position: state.events.end(), waiting }
    }

    /// The same for one that has read events before: it may know servidores that were removed since.
    fn reader_again(&self) -> Reader {
        let state = self.0.lock();
        let events = state.servidores.values().flat_map(KnownServidor::events);
        let waiting = state.removed.values().cloned().chain(events).collect();
        Reader { position: state.events.end(), waiting }
    }

    /// Takes what is known of all servidores, and returns those whose postos must be listed: they
    /// have come or returned. Their `servidor` events are left out the first time, when each has an
    /// `estado`.
    pub(super) fn take_servidores(&self, list: Vec<Servidor>, is_first: bool) -> Vec<ServerId> {
        let mut state = self.0.lock();
        let FeedData { servidores, removed, events } = &mut *state;
        let mut to_list = Vec::new();
        let mut before = std::mem::take(servidores);
        for servidor in list {
            let server_id = servidor.server_id.clone();
            let known = match before.remove(&server_id) {
                Some(known) if !servidor.is_news(Some(&known.servidor)) => {
                    KnownServidor { servidor, ..known }
                }
                _ => {
                    if !is_first {
                        events.push(servidor.event());
                    }
                    if servidor.is_online() {
                        to_list.push(server_id.clone());
                    } else if is_first {
                        events.push(offline(&server_id));
                    }
                    KnownServidor { servidor, postos: None, meanwhile: None, is_silent: false }
                }
            };
            removed.remove(&server_id);
            servidores.insert(server_id, known);
        }
        // An operator has removed these.
        for (server_id, known) in before {
            let was_online = known.servidor.is_online();
            let event = known.servidor.removed();
            if was_online {
                events.push(event.clone());
            }
            if removed.len() == MAX_REMOVED {
                removed.pop_first();
            }
            removed.insert(server_id, event);
        }
        to_list
    }

    /// The servidores whose postos can be listed.
    pub(super) fn online(&self) -> Vec<ServerId> {
        let state = self.0.lock();
        let online = state.servidores.values().filter(|known| known.servidor.is_online());
        online.map(|known| known.servidor.server_id.clone()).collect()
    }

    /// Notes that a list is about to be asked for; false if the servidor is not online.
    pub(super) fn begin_listing(&self, server_id: &ServerId) -> bool {
        let mut state = self.0.lock();
        let known = state.servidores.get_mut(server_id);
        let Some(known) = known.filter(|known| known.servidor.is_online()) else { return false };
        known.meanwhile = Some(Vec::new());
        true
    }

    /// Notes that a list did not come that was asked for.
    pub(super) fn list_failed(&self, server_id: &ServerId) {
        let mut state = self.0.lock();
        let FeedData { servidores, events, .. } = &mut *state;
        let Some(known) = servidores.get_mut(server_id) else { return };
        if known.servidor.is_online() && known.postos.is_none() && !known.is_silent {
            known.is_silent = true;
            events.push(known.servidor.event());
        }
    }

    /// Takes a list that has come. The listeners are sent it if it differs from the state. Returns
    /// whether it lacks a posto of which an event has come.
    pub(super) fn take_listed(&self, server_id: &ServerId, mut listed: Postos) -> bool {
        let mut state = self.0.lock();
        let FeedData { servidores, events, .. } = &mut *state;
        let known = servidores.get_mut(server_id);
        let Some(known) = known.filter(|known| known.servidor.is_online()) else { return false };
        let estado = listed.estado();
        let mut is_incomplete = false;
        let mut later = Vec::new();
        for status in known.meanwhile.take().unwrap_or_default() {
            match listed.apply(&status) {
                Applied::Changed(event) => later.push(event),
                Applied::Same => {}
                Applied::Unknown => is_incomplete = true,
            }
        }
        let is_new = known.postos.as_ref().is_none_or(|before| !listed.is_like(before));
        if is_new {
            events.push(estado);
            later.into_iter().for_each(|event| events.push(event));
        }
        known.postos = Some(listed);
        known.is_silent = false;
        is_incomplete
    }

    /// Takes the event of a posto. Returns whether the postos must be listed, because it is a new one.
    pub(super) fn take_posto(&self, status: PontoStatus) -> bool {
        let mut state = self.0.lock();
        let FeedData { servidores, events, .. } = &mut *state;
        let Some(known) = servidores.get_mut(&status.server_id) else { return false };
        let applied = known.postos.as_mut().map(|postos| postos.apply(&status));
        if let Some(Applied::Changed(event)) = &applied {
            events.push(event.clone());
        }
        match &mut known.meanwhile {
            Some(meanwhile) => {
                meanwhile.push(status);
                false
            }
            None => applied == Some(Applied::Unknown),
        }
    }
}

/// What one listener has not read yet.
pub(super) struct Reader {
    position: Position,
    waiting: VecDeque<Bytes>,
}

impl Reader {
    /// The next event. A reader that is too slow is sent the whole state anew in place of the events
    /// that waited, which is counted.
    pub(super) async fn next(&mut self, state: &FeedState, dropped: &Counter) -> Bytes {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return event;
            }
            let found = state.0.lock().events.read(&mut self.position);
            match found {
                Found::Event(event) => return event,
                Found::Nothing => self.position.pushed().await,
                Found::Dropped => {
                    dropped.inc();
                    *self = state.reader_again();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
