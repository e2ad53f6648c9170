//! Which clients take arrays of events.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::ClientId;

/// Anybody may send a command in the name of any client. Those beyond are sent one event at a time.
const MAX_CLIENTS: usize = 10_000;

/// The clients whose latest command says that they do. After a restart none is known.
#[derive(Debug, Default)]
pub(crate) struct ArrayClients(Mutex<HashSet<ClientId>>);

impl ArrayClients {
    fn clients(&self) -> MutexGuard<'_, HashSet<ClientId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a command says.
    pub(crate) fn note(&self, client_id: &ClientId, takes_arrays: bool) {
        let mut clients = self.clients();
        if !takes_arrays {
            clients.remove(client_id);
        } else if clients.len() < MAX_CLIENTS && !clients.contains(client_id) {
            clients.insert(client_id.clone());
        }
    }

    pub(crate) fn takes_arrays(&self, client_id: &ClientId) -> bool {
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
        assert!(!clients.takes_arrays(&id));
        for takes_arrays in [true, true, false, true] {
            clients.note(&id, takes_arrays);
            assert_eq!(clients.takes_arrays(&id), takes_arrays);
        }
    }

    #[test]
    fn a_bounded_number_is_remembered() {
        let clients = ArrayClients::default();
        let id = |number: usize| format!("c{number}").parse::<ClientId>().unwrap();
        (0..=MAX_CLIENTS).for_each(|number| clients.note(&id(number), true));
        assert!(clients.takes_arrays(&id(0)) && !clients.takes_arrays(&id(MAX_CLIENTS)));
        clients.note(&id(0), false);
        clients.note(&id(MAX_CLIENTS), true);
        assert!(clients.takes_arrays(&id(MAX_CLIENTS)));
    }
}
