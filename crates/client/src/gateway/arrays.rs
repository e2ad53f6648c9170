//! Whether commands that wait at the same moment may be sent as one array on a broadcast topic: only
//! while each servidor that would receive it takes arrays there.
//!
//! A servidor that takes none can appear at any moment. Its presence is looked at as it arrives, and
//! what waits then is sent apart; what is on its way cannot be helped.

use std::future::pending;
use std::sync::Weak;
use std::time::Duration;

use bus::Link;
use parking_lot::Mutex;
use protocol::ServerId;
use tokio::sync::watch;
use tokio::time::sleep_until;
use tracing::info;

use super::Gateway;
use super::directory::KEPT_FOR;

/// How long after a connection has come up presences may still be on their way. The broker sends the
/// retained ones at once.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// What was decided last. The lock holds each decision and its effect together.
#[derive(Debug, Default)]
pub(super) struct ArrayState(Mutex<Decision>);

#[derive(Debug, Default, PartialEq, Eq)]
enum Decision {
    #[default]
    Unsettled,
    Allowed,
    /// By a servidor; `None` if there are too many to know them all.
    Prevented(Option<ServerId>),
}

impl Gateway {
    /// Decides anew: a presence, or the time, may have changed it.
    pub(super) fn update_arrays(&self) {
        let mut last = self.arrays.0.lock();
        let Link::Up { generation, at, .. } = *self.bus.link().borrow() else { return };
        let up_for = at.elapsed();
        let decision = if up_for < SETTLED_AFTER {
            Decision::Unsettled
        } else if self.directory.is_full() {
            Decision::Prevented(None)
        } else {
            let without = self.directory.without_arrays(generation, up_for);
            without.map_or(Decision::Allowed, |server_id| Decision::Prevented(Some(server_id)))
        };
        self.bus.allow_arrays(generation, decision == Decision::Allowed);
        if *last == decision || decision == Decision::Unsettled {
            return;
        }
        match &decision {
            Decision::Prevented(Some(server_id)) => {
                info!(%server_id, "commands to all servidores are not joined: this one takes no arrays");
            }
            Decision::Prevented(None) => {
                info!(
                    "commands to all servidores are not joined: there are too many to know them all"
                );
            }
            Decision::Allowed => info!("commands to all servidores may be joined"),
            Decision::Unsettled => {}
        }
        *last = decision;
    }
}

/// Decides when time has passed since a connection came up, for as long as the gateway exists.
pub(crate) async fn run(gateway: Weak<Gateway>, mut link: watch::Receiver<Link>) {
    loop {
        let at = match *link.borrow_and_update() {
            Link::Up { at, .. } => Some(at),
            Link::Down => None,
        };
        let deciding = async {
            for (at, after) in at.into_iter().flat_map(|at| [(at, SETTLED_AFTER), (at, KEPT_FOR)]) {
                sleep_until(at + after).await;
                if let Some(gateway) = gateway.upgrade() {
                    gateway.update_arrays();
                }
            }
            pending::<()>().await;
        };
        tokio::select! {
            changed = link.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = deciding => {}
        }
    }
}
