//! Which servidores are there, from their retained presence.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex};

use protocol::{ServerId, ServerPresence, ServerState, Timestamp};

use crate::sync::lock;

/// Every servidor that was ever seen, with its latest presence. Clones share one list.
///
/// What was heard on one connection to the broker says nothing about the next: a broker may
/// have been away and forgotten, a servidor may have gone meanwhile. The broker tells anew who
/// is there on every subscription, so a presence counts for the connection it came on.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    servers: Arc<Mutex<BTreeMap<ServerId, Seen>>>,
}

#[derive(Debug)]
struct Seen {
    presence: Arc<ServerPresence>,
    generation: u64,
    /// When we saw it go, if we did: its Last Will was written before and cannot tell.
    gone: Option<Timestamp>,
}

/// What a presence message changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The servidor is there now, or has come again (a new connection of it).
    Came,
    /// The servidor is gone.
    Went,
    /// Nothing that matters: a repeat, or news of an older connection.
    Unchanged,
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a presence message that came at `now`, and says what changed.
    ///
    /// An `offline` of an older connection than the known one is ignored: the broker publishes
    /// a Last Will when it notices that a connection broke, and by then the servidor may have
    /// come again. A birth always counts, whatever the clock of its machine says.
    pub fn observe(&self, presence: ServerPresence, generation: u64, now: Timestamp) -> Change {
        let presence = Arc::new(presence);
        match lock(&self.servers).entry(presence.server_id.clone()) {
            Entry::Vacant(entry) => {
                let change = arrival(presence.status);
                entry.insert(Seen { presence, generation, gone: None });
                change
            }
            Entry::Occupied(mut entry) => {
                let seen = entry.get_mut();
                let change = change(&seen.presence, &presence);
                if !is_late_will(&seen.presence, &presence) {
                    let gone = match change {
                        Change::Came => None,
                        Change::Went => Some(now),
                        Change::Unchanged => seen.gone,
                    };
                    *seen = Seen { presence, generation, gone };
                }
                change
            }
        }
    }

    /// The presence of a servidor as heard on this connection; `None` for one that was not
    /// heard of on it.
    #[must_use]
    pub fn get(&self, id: &ServerId, generation: u64) -> Option<Arc<ServerPresence>> {
        let servers = lock(&self.servers);
        let seen = servers.get(id).filter(|seen| seen.generation == generation)?;
        Some(Arc::clone(&seen.presence))
    }

    /// All servidores ever seen, by id. Those not heard of on this connection (`None` where
    /// there is none) count as offline. `desde` is since when each is what it is; of one that was
    /// never seen to go, since when it had been online.
    #[must_use]
    pub fn list(&self, generation: Option<u64>) -> Vec<ServerPresence> {
        let servers = lock(&self.servers);
        let current = |seen: &Seen| {
            let mut presence = ServerPresence::clone(&seen.presence);
            if generation != Some(seen.generation) {
                presence.status = ServerState::Offline;
            }
            presence.desde = seen.gone.unwrap_or(presence.desde);
            presence
        };
        servers.values().map(current).collect()
    }
}

fn arrival(status: ServerState) -> Change {
    match status {
        ServerState::Online => Change::Came,
        ServerState::Offline => Change::Unchanged,
    }
}

fn is_late_will(known: &ServerPresence, news: &ServerPresence) -> bool {
    news.status == ServerState::Offline && news.desde < known.desde
}

fn change(known: &ServerPresence, news: &ServerPresence) -> Change {
    if is_late_will(known, news) {
        return Change::Unchanged;
    }
    match (known.status, news.status) {
        (ServerState::Online, ServerState::Online) if news.desde == known.desde => {
            Change::Unchanged
        }
        (_, ServerState::Online) => Change::Came,
        (ServerState::Online, ServerState::Offline) => Change::Went,
        (ServerState::Offline, ServerState::Offline) => Change::Unchanged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Entrega;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    fn presence(id: &str, status: ServerState, desde: i64) -> ServerPresence {
        ServerPresence {
            server_id: id.parse().unwrap(),
            status,
            desde: at(desde),
            versao: "0".to_owned(),
            entrega: vec![Entrega::Difusao],
        }
    }

    #[test]
    fn follows_connections_in_order_and_ignores_a_late_will() {
        use ServerState::{Offline, Online};
        let directory = Directory::new();
        let steps = [
            (Online, 10, Change::Came, Online),
            (Online, 10, Change::Unchanged, Online),
            (Online, 20, Change::Came, Online),
            (Offline, 10, Change::Unchanged, Online),
            (Offline, 20, Change::Went, Offline),
            (Offline, 20, Change::Unchanged, Offline),
            (Online, 20, Change::Came, Online),
            (Offline, 30, Change::Went, Offline),
            (Online, 40, Change::Came, Online),
            // Its clock was set back.
            (Online, 35, Change::Came, Online),
            (Offline, 35, Change::Went, Offline),
        ];
        for (step, (status, desde, change, after)) in steps.into_iter().enumerate() {
            let seen = directory.observe(presence("server1", status, desde), 1, at(99));
            assert_eq!(seen, change, "step {step}");
            let known = directory.get(&"server1".parse().unwrap(), 1).unwrap();
            assert_eq!(known.status, after, "step {step}");
        }
    }

    #[test]
    fn one_first_seen_offline_is_known_and_has_not_gone() {
        let directory = Directory::new();
        let change = directory.observe(presence("b", ServerState::Offline, 5), 1, at(99));
        assert_eq!(change, Change::Unchanged);
        directory.observe(presence("a", ServerState::Online, 5), 1, at(99));
        let ids: Vec<_> = directory.list(Some(1)).into_iter().map(|one| one.server_id).collect();
        assert_eq!(ids, ["a".parse().unwrap(), "b".parse().unwrap()]);
        assert_eq!(directory.get(&"c".parse().unwrap(), 1), None);
    }

    #[test]
    fn one_that_went_is_offline_since_then() {
        let directory = Directory::new();
        let desde = || directory.list(Some(1))[0].desde;
        directory.observe(presence("a", ServerState::Online, 5), 1, at(6));
        assert_eq!(desde(), at(5));
        directory.observe(presence("a", ServerState::Offline, 5), 1, at(70));
        directory.observe(presence("a", ServerState::Offline, 5), 1, at(80));
        assert_eq!(desde(), at(70), "a will cannot tell when it was published");
        directory.observe(presence("a", ServerState::Online, 90), 1, at(91));
        assert_eq!(desde(), at(90));
    }

    #[test]
    fn what_was_heard_on_one_connection_says_nothing_about_the_next() {
        let directory = Directory::new();
        let id = "a".parse().unwrap();
        directory.observe(presence("a", ServerState::Online, 5), 1, at(99));
        assert!(directory.get(&id, 1).is_some());
        assert_eq!(directory.get(&id, 2), None);
        for generation in [None, Some(2)] {
            assert_eq!(directory.list(generation)[0].status, ServerState::Offline);
        }
        directory.observe(presence("a", ServerState::Online, 5), 2, at(99));
        assert!(directory.get(&id, 2).is_some());
    }
}
