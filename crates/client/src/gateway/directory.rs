//! Which servidores are online, from their retained presence.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::{Entrega, ServerId, ServerPresence, ServerState, Timestamp};
use tokio::sync::watch;

/// How many servidores are remembered. Anybody may publish a presence.
const MAX_SERVERS: usize = 10_000;
/// How long after a connection has come up a servidor is kept whose presence has not come again. The
/// broker sends the retained ones at once; where it has lost them, the servidores that still run
/// reconnect and publish theirs in much less.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(30);

/// The servidores whose presence the broker retains; of very many, those that are online.
///
/// A presence is valid for the connection to the broker on which it arrived: the broker may have
/// restarted and forgotten, or the servidor may have gone meanwhile. The broker sends the retained
/// presences again after every subscription. One that it no longer sends was removed by an operator
/// while this gateway was away, and its servidor is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    servers: Mutex<BTreeMap<ServerId, Seen>>,
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Seen {
    presence: Arc<ServerPresence>,
    generation: u64,
    /// Since when it is offline: as it has said itself, or else when this gateway saw it go.
    offline_since: Option<Timestamp>,
}

/// What a presence message changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The servidor is online now, or has reconnected.
    Online,
    Offline,
    /// A repeat, or a late message of an older connection.
    Unchanged,
}

impl Directory {
    /// Takes a presence message that arrived at `now`, and returns what it changed.
    ///
    /// An `offline` of an older connection than the known one is ignored: the broker publishes
    /// a Last Will when it notices that a connection broke, and the servidor may have reconnected
    /// before. A birth always counts, even if the servidor's clock was set back.
    pub(crate) fn observe(
        &self,
        presence: ServerPresence,
        generation: u64,
        now: Timestamp,
    ) -> Change {
        let mut servers = self.servers.lock();
        if !servers.contains_key(&presence.server_id) && !make_room(&mut servers, generation) {
            return Change::Unchanged;
        }
        let known = servers.get(&presence.server_id);
        let known_desde = known.map(|seen| seen.presence.desde);
        let change = match (known.map(|seen| seen.presence.status), presence.status) {
            (Some(_), ServerState::Offline) if Some(presence.desde) < known_desde => {
                return Change::Unchanged;
            }
            (Some(ServerState::Online), ServerState::Online)
                if known_desde == Some(presence.desde) =>
            {
                Change::Unchanged
            }
            (_, ServerState::Online) => Change::Online,
            (Some(ServerState::Online), ServerState::Offline) => Change::Offline,
            (_, ServerState::Offline) => Change::Unchanged,
        };
        let is_offline = presence.status == ServerState::Offline;
        let offline_since = match change {
            Change::Online => None,
            // One that was stopped has said when; a Last Will is as old as its birth, which this gateway
            // knows unless the servidor has come and gone while it was away.
            _ if is_offline && Some(presence.desde) > known_desde => Some(presence.desde),
            Change::Offline => Some(now),
            Change::Unchanged => known.and_then(|seen| seen.offline_since),
        };
        let server_id = presence.server_id.clone();
        servers.insert(server_id, Seen { presence: Arc::new(presence), generation, offline_since });
        self.changes.send_replace(());
        change
    }

    /// Follows all presence messages that may have changed something.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// A servidor, as [`list`](Self::list) has it.
    pub(crate) fn find(&self, id: &ServerId, generation: Option<u64>) -> Option<ServerPresence> {
        self.servers.lock().get(id).map(|seen| seen.at(generation))
    }

    /// The presence of a servidor, if it arrived on this connection.
    pub(crate) fn get(&self, id: &ServerId, generation: u64) -> Option<Arc<ServerPresence>> {
        let servers = self.servers.lock();
        let seen = servers.get(id).filter(|seen| seen.generation == generation)?;
        Some(Arc::clone(&seen.presence))
    }

    /// A servidor that takes no arrays on the broadcast topics, if there is one. Those that are offline
    /// count: the broker keeps for them what they may read later.
    pub(crate) fn without_arrays(&self, generation: u64, up_for: Duration) -> Option<ServerId> {
        let servers = self.servers.lock();
        let is_known = |seen: &&Seen| seen.generation == generation || up_for < KEPT_FOR;
        let mut known = servers.values().filter(is_known).map(|seen| &seen.presence);
        let lacks_arrays =
            |presence: &&Arc<ServerPresence>| !presence.entrega.contains(&Entrega::ListasEmDifusao);
        known.find(lacks_arrays).map(|presence| presence.server_id.clone())
    }

    /// Whether there may be servidores that are not remembered.
    pub(crate) fn is_full(&self) -> bool {
        self.servers.lock().len() >= MAX_SERVERS
    }

    /// Removes a servidor whose presence was cleared; false if it was not known.
    pub(crate) fn forget(&self, server_id: &str) -> bool {
        let was_known = self.servers.lock().remove(server_id).is_some();
        self.changes.send_replace(());
        was_known
    }

    /// The servidores, by id. Those without a presence on this connection (`None` if there is
    /// none) count as offline, until it has been up for some time. `desde` is since when a servidor
    /// is online or offline; of one that was neither stopped nor seen to go, since when it was online.
    pub(crate) fn list(&self, connection: Option<(u64, Duration)>) -> Vec<ServerPresence> {
        let generation = connection.map(|(generation, _)| generation);
        let mut servers = self.servers.lock();
        if connection.is_some_and(|(_, up_for)| up_for > KEPT_FOR) {
            servers.retain(|_, seen| Some(seen.generation) == generation);
        }
        servers.values().map(|seen| seen.at(generation)).collect()
    }
}

impl Seen {
    /// As it is known on this connection.
    fn at(&self, generation: Option<u64>) -> ServerPresence {
        let mut presence = ServerPresence::clone(&self.presence);
        if generation != Some(self.generation) {
            presence.status = ServerState::Offline;
        }
        presence.desde = self.offline_since.unwrap_or(presence.desde);
        presence
    }
}

/// Forgets a servidor that is not online, if there are too many; false if all are online.
fn make_room(servers: &mut BTreeMap<ServerId, Seen>, generation: u64) -> bool {
    if servers.len() < MAX_SERVERS {
        return true;
    }
    let is_online =
        |seen: &Seen| seen.generation == generation && seen.presence.status == ServerState::Online;
    let mut offline = servers.iter().filter(|(_, seen)| !is_online(seen));
    let Some(id) = offline.next().map(|(id, _)| id.clone()) else { return false };
    servers.remove(&id);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// A connection that has just come up.
    fn on(generation: u64) -> Option<(u64, Duration)> {
        Some((generation, Duration::ZERO))
    }

    #[test]
    fn a_servidor_that_is_removed_is_forgotten() {
        let directory = Directory::default();
        let id: ServerId = "ghost".parse().unwrap();
        for status in [ServerState::Online, ServerState::Offline] {
            directory.observe(presence("ghost", status, 5), 1, at(99));
            assert!(directory.forget("ghost"));
            assert_eq!((directory.list(on(1)), directory.get(&id, 1)), (vec![], None));
            assert!(!directory.forget("ghost"));
        }
    }

    #[test]
    fn a_servidor_that_was_removed_meanwhile_is_forgotten_after_a_while() {
        let directory = Directory::default();
        directory.observe(presence("stays", ServerState::Offline, 5), 1, at(99));
        directory.observe(presence("ghost", ServerState::Online, 5), 1, at(99));
        directory.observe(presence("stays", ServerState::Offline, 5), 2, at(99));
        let ids = |connection| {
            let known = directory.list(connection).into_iter();
            known.map(|one| one.server_id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(ids(None), ["ghost", "stays"]);
        assert_eq!(ids(Some((2, KEPT_FOR))), ["ghost", "stays"]);
        assert_eq!(ids(Some((2, KEPT_FOR + Duration::from_millis(1)))), ["stays"]);
        assert_eq!(ids(None), ["stays"]);
    }

    #[test]
    fn a_servidor_is_offline_since_it_says_so_or_since_it_was_seen_to_go() {
        use ServerState::{Offline, Online};
        let since = |seen: &[(ServerState, i64, u64, i64)]| {
            let directory = Directory::default();
            for (status, desde, generation, now) in seen {
                directory.observe(presence("s", *status, *desde), *generation, at(*now));
            }
            directory.list(on(seen[seen.len() - 1].2))[0].desde
        };
        assert_eq!(since(&[(Online, 10, 1, 11), (Offline, 40, 1, 41)]), at(40), "it was stopped");
        assert_eq!(since(&[(Online, 10, 1, 11), (Offline, 10, 1, 41)]), at(41), "a Last Will");
        assert_eq!(since(&[(Offline, 40, 1, 99)]), at(40), "before this gateway began");
        assert_eq!(since(&[(Online, 10, 1, 11), (Offline, 40, 2, 99)]), at(40), "meanwhile");
        let came_and_went = [(Online, 10, 1, 11), (Offline, 10, 1, 41), (Offline, 80, 2, 99)];
        assert_eq!(since(&came_and_went), at(80), "it has returned and was stopped again");
        let again = [(Online, 10, 1, 11), (Offline, 10, 1, 41), (Offline, 10, 2, 99)];
        assert_eq!(since(&again), at(41), "the retained Last Will says nothing new");
    }

    #[test]
    fn follows_connections_in_order_and_ignores_a_late_will() {
        use ServerState::{Offline, Online};
        let directory = Directory::default();
        let steps = [
            (Online, 10, Change::Online, Online),
            (Online, 10, Change::Unchanged, Online),
            (Online, 20, Change::Online, Online),
            (Offline, 10, Change::Unchanged, Online),
            (Offline, 20, Change::Offline, Offline),
            (Offline, 20, Change::Unchanged, Offline),
            (Online, 20, Change::Online, Online),
            (Offline, 30, Change::Offline, Offline),
            (Online, 40, Change::Online, Online),
            // Its clock was set back.
            (Online, 35, Change::Online, Online),
            (Offline, 35, Change::Offline, Offline),
        ];
        for (step, (status, desde, change, after)) in steps.into_iter().enumerate() {
            let seen = directory.observe(presence("server1", status, desde), 1, at(99));
            assert_eq!(seen, change, "step {step}");
            let known = directory.get(&"server1".parse().unwrap(), 1).unwrap();
            assert_eq!(known.status, after, "step {step}");
        }
    }

    #[test]
    fn a_servidor_first_seen_offline_is_known_and_unchanged() {
        let directory = Directory::default();
        let change = directory.observe(presence("b", ServerState::Offline, 5), 1, at(99));
        assert_eq!(change, Change::Unchanged);
        directory.observe(presence("a", ServerState::Online, 5), 1, at(99));
        let ids: Vec<_> = directory.list(on(1)).into_iter().map(|one| one.server_id).collect();
        assert_eq!(ids, ["a".parse().unwrap(), "b".parse().unwrap()]);
        assert_eq!(directory.get(&"c".parse().unwrap(), 1), None);
    }

    #[test]
    fn a_servidor_that_went_offline_is_offline_since_then() {
        let directory = Directory::default();
        let desde = || directory.list(on(1))[0].desde;
        directory.observe(presence("a", ServerState::Online, 5), 1, at(6));
        assert_eq!(desde(), at(5));
        directory.observe(presence("a", ServerState::Offline, 5), 1, at(70));
        directory.observe(presence("a", ServerState::Offline, 5), 1, at(80));
        assert_eq!(desde(), at(70), "a will cannot tell when it was published");
        directory.observe(presence("a", ServerState::Online, 90), 1, at(91));
        assert_eq!(desde(), at(90));
    }

    #[test]
    fn a_presence_of_one_connection_is_not_valid_on_the_next() {
        let directory = Directory::default();
        let id = "a".parse().unwrap();
        directory.observe(presence("a", ServerState::Online, 5), 1, at(99));
        assert!(directory.get(&id, 1).is_some());
        assert_eq!(directory.get(&id, 2), None);
        for connection in [None, on(2)] {
            assert_eq!(directory.list(connection)[0].status, ServerState::Offline);
        }
        directory.observe(presence("a", ServerState::Online, 5), 2, at(99));
        assert!(directory.get(&id, 2).is_some());
    }

    #[test]
    fn of_too_many_servidores_those_that_are_offline_are_forgotten() {
        use ServerState::{Offline, Online};
        let directory = Directory::default();
        let observe = |id: &str, status| directory.observe(presence(id, status, 5), 1, at(99));
        observe("offline", Offline);
        for number in 1..MAX_SERVERS {
            observe(&format!("s{number}"), Online);
        }
        assert_eq!(observe("new", Online), Change::Online);
        assert_eq!(observe("newer", Online), Change::Unchanged, "all are online");
        assert_eq!(observe("new", Offline), Change::Offline);
        assert_eq!(observe("newer", Online), Change::Online);
        let known = directory.list(on(1));
        assert_eq!(known.len(), MAX_SERVERS);
        assert!(known.iter().all(|one| one.status == Online));
    }
}
