//! Whether commands that wait at the same moment may be sent as one array on a broadcast topic: only
//! while each servidor that would receive it takes arrays there.
//!
//! A servidor that takes none can appear at any moment. Its presence is looked at as it arrives, and
//! what waits then is sent apart; what is on its way cannot be helped.

use std::future::pending;
use std::time::Duration;

use bus::{Bus, Join, Link};
use parking_lot::Mutex;
use protocol::topics::Command;
use protocol::{Entrega, ServerId, ServerPresence};
use tokio::sync::watch;
use tokio::time::sleep_until;
use tracing::info;

use super::directory::{Directory, KEPT_FOR};

/// How long after a connection has come up presences may still be on their way. The broker sends the
/// retained ones at once.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// What was decided last. The lock holds each decision and its effect together.
#[derive(Debug, Default)]
pub(super) struct Arrays(Mutex<Decision>);

#[derive(Debug, Default, PartialEq, Eq)]
enum Decision {
    #[default]
    Unsettled,
    Allowed,
    /// By a servidor; `None` if there are too many to know them all.
    Prevented(Option<ServerId>),
}

impl Arrays {
    /// Decides anew: a presence, or the time, may have changed it.
    pub(super) fn update(&self, bus: &Bus, directory: &Directory) {
        let mut last = self.0.lock();
        let Link::Up { generation, at, .. } = *bus.link().borrow() else { return };
        let decision = decide(directory, generation, at.elapsed());
        bus.allow_arrays(generation, decision == Decision::Allowed);
        if *last == decision {
            return;
        }
        match &decision {
            Decision::Unsettled => return,
            Decision::Allowed => info!("commands to all servidores may be joined"),
            Decision::Prevented(Some(server_id)) => {
                info!(%server_id, "commands to all servidores are not joined: this one takes no arrays");
            }
            Decision::Prevented(None) => {
                info!(
                    "commands to all servidores are not joined: there are too many to know them all"
                );
            }
        }
        *last = decision;
    }
}

/// How a command to the servidor of this presence travels on a broadcast topic.
pub(super) fn join(command: Command, presence: &ServerPresence) -> Join {
    // What was decided may be a moment older than the presence.
    let takes_arrays = presence.entrega.contains(&Entrega::ListasEmDifusao);
    // An answer with a long list would be read to its end, as all items of an array are.
    if takes_arrays && command != Command::Postos { Join::WhenAllowed } else { Join::Never }
}

fn decide(directory: &Directory, generation: u64, up_for: Duration) -> Decision {
    if up_for < SETTLED_AFTER {
        return Decision::Unsettled;
    }
    if directory.is_full() {
        return Decision::Prevented(None);
    }
    let without = directory.without_arrays(generation, up_for);
    without.map_or(Decision::Allowed, |server_id| Decision::Prevented(Some(server_id)))
}

/// Calls `update` at the moments after a connection has come up at which time alone may change the
/// decision, until it returns `None` or the bus is gone.
pub(super) async fn follow(mut link: watch::Receiver<Link>, update: impl Fn() -> Option<()>) {
    loop {
        let at = match *link.borrow_and_update() {
            Link::Up { at, .. } => Some(at),
            Link::Down => None,
        };
        let deciding = async {
            for (at, after) in at.into_iter().flat_map(|at| [(at, SETTLED_AFTER), (at, KEPT_FOR)]) {
                sleep_until(at + after).await;
                update()?;
            }
            pending().await
        };
        let goes_on = tokio::select! {
            changed = link.changed() => changed.ok(),
            ended = deciding => ended,
        };
        if goes_on.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{ServerState, Timestamp};

    const SOON: Duration = Duration::from_millis(999);

    fn presence(id: &str, takes_arrays: bool) -> ServerPresence {
        let entrega = if takes_arrays { Entrega::ListasEmDifusao } else { Entrega::Direta };
        ServerPresence {
            server_id: id.parse().unwrap(),
            status: ServerState::Offline,
            desde: Timestamp::from_millis(5).unwrap(),
            versao: "0".to_owned(),
            entrega: vec![Entrega::Difusao, entrega],
        }
    }

    fn seen(directory: &Directory, id: &str, generation: u64, takes_arrays: bool) {
        let at = Timestamp::from_millis(5).unwrap();
        directory.observe(presence(id, takes_arrays), generation, at);
    }

    fn prevented_by(id: &str) -> Decision {
        Decision::Prevented(Some(id.parse().unwrap()))
    }

    #[test]
    fn arrays_are_allowed_while_every_servidor_takes_them() {
        let directory = Directory::default();
        seen(&directory, "a", 1, true);
        assert_eq!(decide(&directory, 1, SOON), Decision::Unsettled);
        assert_eq!(decide(&directory, 1, SETTLED_AFTER), Decision::Allowed);
        seen(&directory, "b", 1, false);
        assert_eq!(decide(&directory, 1, SOON), Decision::Unsettled);
        assert_eq!(decide(&directory, 1, SETTLED_AFTER), prevented_by("b"));
        seen(&directory, "b", 1, true);
        assert_eq!(decide(&directory, 1, SETTLED_AFTER), Decision::Allowed);
        seen(&directory, "b", 1, false);
        directory.forget("b");
        assert_eq!(decide(&directory, 1, SETTLED_AFTER), Decision::Allowed);
    }

    #[test]
    fn a_servidor_of_the_connection_before_counts_for_a_while() {
        let directory = Directory::default();
        seen(&directory, "a", 1, false);
        assert_eq!(decide(&directory, 2, SETTLED_AFTER), prevented_by("a"));
        assert_eq!(decide(&directory, 2, KEPT_FOR), Decision::Allowed);
        seen(&directory, "a", 2, false);
        assert_eq!(decide(&directory, 2, KEPT_FOR), prevented_by("a"));
    }

    #[test]
    fn no_array_has_a_command_for_a_servidor_that_takes_none() {
        for (command, takes_arrays, expected) in [
            (Command::Reserva, true, Join::WhenAllowed),
            (Command::Reserva, false, Join::Never),
            (Command::Postos, true, Join::Never),
        ] {
            assert_eq!(join(command, &presence("a", takes_arrays)), expected);
        }
    }

    #[test]
    fn of_too_many_servidores_not_all_are_known() {
        let directory = Directory::default();
        let mut number = 0;
        while !directory.is_full() {
            seen(&directory, &format!("s{number}"), 1, true);
            number += 1;
        }
        assert_eq!(decide(&directory, 1, KEPT_FOR), Decision::Prevented(None));
    }
}
