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
    /// Since when it is offline: as it reported itself, or when this gateway noticed it.
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
        if !servers.contains_key(&presence.server_id) && !evict_offline(&mut servers, generation) {
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

/// Removes an offline servidor if the directory is full; false if all are online.
fn evict_offline(servers: &mut BTreeMap<ServerId, Seen>, generation: u64) -> bool {
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
mod tests;
