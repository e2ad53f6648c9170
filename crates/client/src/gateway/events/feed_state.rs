//! What those who listen to `GET /eventos` know: one state for all of them.
//!
//! Events and the state change under one lock, so who joins misses none. Why none is lost between
//! the listing and the events: a list is asked for after the subscription is in force, an event
//! that comes while it is on its way is applied at once and again to the list when it comes, and of
//! each posto the last event wins. A servidor reads a posto after the change that it publishes, so a
//! list that was asked for after an event is never older than that event.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::{PontoStatus, ServerId};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::frame::Servidor;
use super::postos::{Applied, Postos, offline};

/// How many events may wait for a reader. Of more, the reader is sent the whole state anew.
const MAX_WAITING: usize = 256;

/// The state, and who reads its changes.
pub(super) struct FeedState(Mutex<State>);

struct State {
    servidores: BTreeMap<ServerId, KnownServidor>,
    events: broadcast::Sender<Bytes>,
}

struct KnownServidor {
    servidor: Servidor,
    /// `None` until they are listed.
    postos: Option<Postos>,
    /// The events that came while a list is on its way.
    meanwhile: Option<Vec<PontoStatus>>,
}

impl KnownServidor {
    fn events(&self) -> Vec<Bytes> {
        match &self.postos {
            Some(postos) => postos.events().collect(),
            None if self.servidor.is_online() => Vec::new(),
            None => vec![offline(&self.servidor.server_id)],
        }
    }
}

impl FeedState {
    pub(super) fn new() -> Self {
        let events = broadcast::Sender::new(MAX_WAITING);
        Self(Mutex::new(State { servidores: BTreeMap::new(), events }))
    }

    pub(super) fn reader(&self) -> Reader {
        let state = self.0.lock();
        let waiting = state.servidores.values().flat_map(KnownServidor::events).collect();
        Reader { events: state.events.subscribe(), waiting }
    }

    /// Takes what is known of all servidores, and returns those whose postos must be listed: they
    /// have come or returned. Their `servidor` events are left out the first time, when each has an
    /// `estado`.
    pub(super) fn take_servidores(&self, list: Vec<Servidor>, is_first: bool) -> Vec<ServerId> {
        let mut state = self.0.lock();
        let State { servidores, events } = &mut *state;
        let mut to_list = Vec::new();
        let mut before = std::mem::take(servidores);
        for servidor in list {
            let server_id = servidor.server_id.clone();
            let known = match before.remove(&server_id) {
                Some(known) if known.servidor == servidor => known,
                _ => {
                    if !is_first {
                        send(events, servidor.event());
                    }
                    if servidor.is_online() {
                        to_list.push(server_id.clone());
                    } else if is_first {
                        send(events, offline(&server_id));
                    }
                    KnownServidor { servidor, postos: None, meanwhile: None }
                }
            };
            servidores.insert(server_id, known);
        }
        // An operator has removed these.
        for known in before.into_values().filter(|known| known.servidor.is_online()) {
            let status = protocol::ServerState::Offline;
            send(events, Servidor { status, ..known.servidor }.event());
        }
        to_list
    }

    /// The servidores whose postos can be listed.
    pub(super) fn online(&self) -> Vec<ServerId> {
        let state = self.0.lock();
        let online = state.servidores.values().filter(|known| known.servidor.is_online());
        online.map(|known| known.servidor.server_id.clone()).collect()
    }

    /// A list is about to be asked for; false if the servidor is not online.
    pub(super) fn begin_listing(&self, server_id: &ServerId) -> bool {
        let mut state = self.0.lock();
        let known = state.servidores.get_mut(server_id);
        let Some(known) = known.filter(|known| known.servidor.is_online()) else { return false };
        known.meanwhile = Some(Vec::new());
        true
    }

    /// A list has come. Those who listen are sent it if it is not what they know. Returns whether it
    /// lacks a posto.
    pub(super) fn take_listed(&self, server_id: &ServerId, mut listed: Postos) -> bool {
        let mut state = self.0.lock();
        let State { servidores, events } = &mut *state;
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
            send(events, estado);
            later.into_iter().for_each(|event| send(events, event));
        }
        known.postos = Some(listed);
        is_incomplete
    }

    /// A posto has changed. Returns whether the postos must be listed: it is a new one.
    pub(super) fn take_posto(&self, status: PontoStatus) -> bool {
        let mut state = self.0.lock();
        let State { servidores, events } = &mut *state;
        let Some(known) = servidores.get_mut(&status.server_id) else { return false };
        let applied = known.postos.as_mut().map(|postos| postos.apply(&status));
        if let Some(Applied::Changed(event)) = &applied {
            send(events, event.clone());
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

fn send(events: &broadcast::Sender<Bytes>, event: Bytes) {
    // It fails where nobody listens any more.
    let _ = events.send(event);
}

/// What one listener has not read yet.
pub(super) struct Reader {
    events: broadcast::Receiver<Bytes>,
    waiting: VecDeque<Bytes>,
}

impl Reader {
    /// The next event; `None` when nobody keeps the state. Who reads too slowly is sent the whole state
    /// anew in place of what waited.
    pub(super) async fn next(&mut self, state: &FeedState) -> Option<Bytes> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            match self.events.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => *self = state.reader(),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use protocol::{ServerState, Timestamp};

    use super::*;

    fn server_id() -> ServerId {
        "server1".parse().unwrap()
    }

    fn servidor(status: ServerState, desde: i64) -> Servidor {
        let desde = Timestamp::from_millis(desde).unwrap();
        Servidor { server_id: server_id(), status, desde }
    }

    fn listed(disponivel: bool) -> Postos {
        let posto = format!(r#"{{"id":5,"disponivel":{disponivel},"em_manutencao":false}}"#);
        let body = format!(r#"{{"request_id":"q","versao":"v","postos":[{posto}]}}"#);
        Postos::read(body.as_bytes(), &server_id()).expect("a list")
    }

    fn status(ponto_id: i64, disponivel: bool) -> PontoStatus {
        let timestamp = Timestamp::from_millis(0).unwrap();
        PontoStatus {
            server_id: server_id(),
            ponto_id,
            disponivel,
            em_manutencao: false,
            timestamp,
        }
    }

    /// With one servidor whose posto is free.
    fn feed_state() -> FeedState {
        let state = FeedState::new();
        assert_eq!(
            state.take_servidores(vec![servidor(ServerState::Online, 1)], true),
            [server_id()]
        );
        assert!(state.begin_listing(&server_id()));
        assert!(!state.take_listed(&server_id(), listed(true)));
        state
    }

    /// What a reader can read without waiting: the name of each event and whether the posto is free.
    fn read(reader: &mut Reader, state: &FeedState) -> Vec<String> {
        let next = || reader.next(state).now_or_never().flatten();
        let gist = |event: Bytes| {
            let text = String::from_utf8(event.to_vec()).unwrap();
            let name = text.lines().next().and_then(|line| line.strip_prefix("event: "));
            let free = text.contains(r#""disponivel":true"#);
            let busy = text.contains(r#""disponivel":false"#);
            let state = if free {
                " free"
            } else if busy {
                " busy"
            } else {
                ""
            };
            format!("{}{state}", name.unwrap_or_default())
        };
        std::iter::from_fn(next).map(gist).collect()
    }

    #[test]
    fn an_event_that_comes_before_the_list_is_later_than_the_list() {
        let state = feed_state();
        let mut reader = state.reader();
        assert_eq!(read(&mut reader, &state), ["estado free"]);
        assert!(state.begin_listing(&server_id()));
        assert!(!state.take_posto(status(5, false)));
        assert_eq!(read(&mut reader, &state), ["posto busy"], "at once");
        assert!(!state.take_listed(&server_id(), listed(true)));
        assert_eq!(read(&mut reader, &state), [""; 0], "the list was written before");
        assert_eq!(read(&mut state.reader(), &state), ["estado free", "posto busy"]);
        // What was missed is in the list.
        assert!(state.begin_listing(&server_id()));
        assert!(!state.take_listed(&server_id(), listed(true)));
        assert_eq!(read(&mut reader, &state), ["estado free"]);
    }

    #[test]
    fn a_new_posto_is_asked_for() {
        let state = feed_state();
        assert!(state.take_posto(status(6, true)));
        assert!(state.begin_listing(&server_id()));
        assert!(!state.take_posto(status(6, true)), "it may be in the list that is on its way");
        assert!(state.take_listed(&server_id(), listed(true)), "it is not");
    }

    #[test]
    fn a_servidor_that_goes_and_returns_is_listed_again() {
        let state = feed_state();
        let mut reader = state.reader();
        read(&mut reader, &state);
        let online = vec![servidor(ServerState::Online, 1)];
        assert_eq!(state.take_servidores(online, false), []);
        assert_eq!(read(&mut reader, &state), [""; 0]);
        for (status, desde, to_list) in [
            (ServerState::Offline, 2, vec![]),
            (ServerState::Online, 3, vec![server_id()]),
            // It restarted, and nobody saw it go.
            (ServerState::Online, 4, vec![server_id()]),
        ] {
            assert_eq!(state.take_servidores(vec![servidor(status, desde)], false), to_list);
            assert_eq!(read(&mut reader, &state), ["servidor"]);
        }
        assert!(state.begin_listing(&server_id()));
        state.take_listed(&server_id(), listed(true));
        assert_eq!(read(&mut reader, &state), ["estado free"]);
        state.take_servidores(Vec::new(), false);
        assert_eq!(read(&mut reader, &state), ["servidor"], "an operator removed it");
        assert!(!state.begin_listing(&server_id()) && state.online().is_empty());
        assert!(!state.take_listed(&server_id(), listed(true)));
        assert_eq!(read(&mut state.reader(), &state), [""; 0]);
    }

    #[test]
    fn a_reader_that_is_too_slow_is_sent_the_whole_state() {
        let state = feed_state();
        let mut slow = state.reader();
        assert_eq!(read(&mut slow, &state), ["estado free"]);
        for number in 0..=MAX_WAITING {
            state.take_posto(status(5, number % 2 == 1));
        }
        assert_eq!(read(&mut slow, &state), ["estado free", "posto busy"]);
        state.take_posto(status(5, true));
        assert_eq!(read(&mut slow, &state), ["posto free"]);
    }
}
