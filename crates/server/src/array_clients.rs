//! Which clients take arrays.

use std::collections::HashSet;

use parking_lot::{Mutex, MutexGuard};
use protocol::ClientId;

/// Anybody may send a command in the name of any client, so the set is bounded. When it is full it is
/// emptied, and each client is added again by its next command.
const MAX_CLIENTS: usize = 10_000;

/// The clients whose latest command says so. After a restart none is known.
#[derive(Debug, Default)]
pub(crate) struct ArrayClients(Mutex<HashSet<ClientId>>);

impl ArrayClients {
    fn clients(&self) -> MutexGuard<'_, HashSet<ClientId>> {
        self.0.lock()
    }

    /// Notes what a command says.
    pub(crate) fn note(&self, client_id: &ClientId, listas: Option<bool>) {
        let mut clients = self.clients();
        if listas != Some(true) {
            clients.remove(client_id);
        } else if !clients.contains(client_id) {
            if clients.len() >= MAX_CLIENTS {
                clients.clear();
            }
            clients.insert(client_id.clone());
        }
    }

    pub(crate) fn has(&self, client_id: &ClientId) -> bool {
        self.clients().contains(client_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_command_counts() {
        let clients = ArrayClients::default();
        let id: ClientId = "c1".parse().unwrap();
        assert!(!clients.has(&id));
        for listas in [Some(true), Some(true), Some(false), Some(true), None] {
            clients.note(&id, listas);
            assert_eq!(clients.has(&id), listas == Some(true));
        }
    }

    #[test]
    fn a_bounded_number_is_remembered() {
        let clients = ArrayClients::default();
        let id = |number: usize| format!("c{number}").parse::<ClientId>().unwrap();
        (0..MAX_CLIENTS).for_each(|number| clients.note(&id(number), Some(true)));
        clients.note(&id(0), Some(true));
        assert!(clients.has(&id(1)), "the first is no further one");
        clients.note(&id(MAX_CLIENTS), Some(true));
        assert!(clients.has(&id(MAX_CLIENTS)) && !clients.has(&id(1)));
        clients.note(&id(1), Some(true));
        assert!(clients.has(&id(1)), "with its next command");
    }
}
