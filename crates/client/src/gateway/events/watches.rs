//! The reservas that are followed. All streams of the same reserva share its questions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};

use parking_lot::Mutex;
use protocol::{RequestId, ServerId};
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

use super::servidor::Servidor;
use super::snapshot::Snapshot;
use crate::gateway::call::NoAnswer;
use crate::gateway::named_reserva::NamedReserva;

/// What is known of a reserva that is followed.
#[derive(Debug, Clone, Default)]
pub(super) struct WatchState {
    /// How many questions were asked before the last one that was answered.
    pub(super) answered: u64,
    /// Why the last one found nothing.
    pub(super) refused: Option<NoAnswer>,
    /// The reserva as the latest answer that has it says.
    pub(super) snapshot: Option<Snapshot>,
    /// The servidor has it no longer.
    pub(super) is_forgotten: bool,
    pub(super) servidor: Option<Servidor>,
}

/// One reserva that is followed by an app. Each app has questions of its own, because each has
/// rights of its own.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) reserva: NamedReserva,
    pub(super) seen: watch::Sender<WatchState>,
    asked: AtomicU64,
    /// The latest versao that an event of its servidor named since the last look.
    announced: AtomicI64,
    /// Wakes its task: `asked` or `announced` has changed.
    pub(super) wake: Notify,
}

impl Watch {
    /// Asks for a question that is sent after this call; returns its number.
    pub(super) fn ask(&self) -> u64 {
        let number = self.asked.fetch_add(1, SeqCst) + 1;
        self.wake.notify_one();
        number
    }

    /// The number of the last question that was asked for.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(SeqCst)
    }

    /// Notes that an event names this versao.
    pub(super) fn announce(&self, versao: i64) {
        self.announced.fetch_max(versao, SeqCst);
        self.wake.notify_one();
    }

    /// The latest versao that was announced since the last call.
    pub(super) fn take_announced(&self) -> i64 {
        self.announced.swap(0, SeqCst)
    }
}

/// All reservas that are followed.
#[derive(Default)]
pub(crate) struct Watches(Mutex<ActiveWatches>);

#[derive(Default)]
struct ActiveWatches {
    /// By servidor and request; of each, one for every app that follows it.
    reservas: HashMap<(ServerId, RequestId), Vec<Running>>,
    /// Reads the events for this gateway, while there is anything to follow.
    events: Option<AbortOnDropHandle<()>>,
}

struct Running {
    watch: Arc<Watch>,
    listeners: usize,
    _task: AbortOnDropHandle<()>,
}

/// A stream that follows a reserva. It stops when it is dropped.
pub(super) struct Listener {
    pub(super) watch: Arc<Watch>,
    watches: Arc<Watches>,
}

impl Watches {
    /// Follows a reserva. For its first stream, `start` starts the task that asks for it; for the first
    /// stream of any reserva, `read_events` starts the task that reads the private events of this
    /// gateway.
    pub(super) fn follow(
        self: &Arc<Self>,
        reserva: NamedReserva,
        start: impl FnOnce(Arc<Watch>) -> AbortOnDropHandle<()>,
        read_events: impl FnOnce() -> AbortOnDropHandle<()>,
    ) -> Listener {
        let mut open = self.0.lock();
        open.events.get_or_insert_with(read_events);
        let key = (reserva.server_id.clone(), reserva.request_id.clone());
        let of_reserva = open.reservas.entry(key).or_default();
        let watch = match of_reserva.iter_mut().find(|one| one.watch.reserva == reserva) {
            Some(running) => {
                running.listeners += 1;
                Arc::clone(&running.watch)
            }
            None => {
                let watch = Arc::new(Watch {
                    reserva,
                    seen: watch::Sender::default(),
                    asked: AtomicU64::new(0),
                    announced: AtomicI64::new(0),
                    wake: Notify::new(),
                });
                let _task = start(Arc::clone(&watch));
                of_reserva.push(Running { watch: Arc::clone(&watch), listeners: 1, _task });
                watch
            }
        };
        Listener { watch, watches: Arc::clone(self) }
    }

    /// Notes that an event names this versao of a reserva: its tasks ask for it.
    pub(super) fn announce(&self, server_id: &ServerId, request_id: &RequestId, versao: i64) {
        let open = self.0.lock();
        let key = (server_id.clone(), request_id.clone());
        for running in open.reservas.get(&key).into_iter().flatten() {
            running.watch.announce(versao);
        }
    }

    fn leave(&self, watch: &Arc<Watch>) -> (Option<Running>, Option<AbortOnDropHandle<()>>) {
        let mut open = self.0.lock();
        let NamedReserva { server_id, request_id, .. } = &watch.reserva;
        let entry = open.reservas.entry((server_id.clone(), request_id.clone()));
        let Entry::Occupied(mut of_reserva) = entry else { return (None, None) };
        let place = of_reserva.get().iter().position(|one| Arc::ptr_eq(&one.watch, watch));
        let Some(place) = place else { return (None, None) };
        let running = &mut of_reserva.get_mut()[place];
        running.listeners -= 1;
        if running.listeners > 0 {
            return (None, None);
        }
        let last = of_reserva.get_mut().swap_remove(place);
        if of_reserva.get().is_empty() {
            of_reserva.remove();
        }
        let events = open.reservas.is_empty().then(|| open.events.take()).flatten();
        (Some(last), events)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Tasks are dropped when the lock is free, because what they hold may need the lock.
        drop(self.watches.leave(&self.watch));
    }
}
