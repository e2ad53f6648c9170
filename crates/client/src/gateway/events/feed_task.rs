//! Updates the state of `GET /eventos` while there are listeners.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bus::Received;
use bytes::Bytes;
use protocol::{Page, PontoStatus, PostosFilter, RequestId, ServerId, topics};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, debug};

use super::feed::FeedListener;
use super::feed_state::FeedState;
use super::postos::Postos;
use super::servidor::Servidor;
use crate::gateway::Gateway;
use crate::gateway::listing_cache::ListingAnswer;

/// How often all postos are listed: some changes have no event (a price), and one may be lost.
const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// How soon a list is asked for again that did not come.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// How long the list waits after an event of a new posto, so that it has all that are added together.
const LINGER: Duration = Duration::from_millis(250);
/// How many events may wait while lists are read.
const MAX_RECEIVED: usize = 1024;

impl Gateway {
    /// Listens to the changes of all postos and servidores.
    pub(crate) fn listen_to_all(self: &Arc<Self>) -> FeedListener {
        self.events.feed.listen(|state| {
            let keeping = FeedTask::new(Arc::clone(self), state).run();
            AbortOnDropHandle::new(tokio::spawn(keeping.in_current_span()))
        })
    }

    /// All postos of a servidor.
    async fn list_for_events(self: &Arc<Self>, server_id: &ServerId) -> Option<Postos> {
        let _permit = self.events.query_limits.permit(server_id).await;
        let request_id = RequestId::new();
        let filter = PostosFilter::default();
        let listed = self.list_postos(&request_id, server_id.clone(), filter, Page::WHOLE).await;
        match listed {
            Ok(ListingAnswer::Listing(listing)) => {
                let parts: [Bytes; 3] = listing.body(&request_id);
                Postos::read(&parts.concat(), server_id)
            }
            Ok(ListingAnswer::Other(_)) => None,
            Err(error) => {
                debug!(%server_id, %error, "the postos are not listed for those who listen");
                None
            }
        }
    }
}

/// The task that updates the state.
struct FeedTask {
    gateway: Arc<Gateway>,
    state: Arc<FeedState>,
    /// The servidores whose list is on its way, and whether another must follow it.
    listing: HashMap<ServerId, bool>,
    /// The servidores whose list is to be asked for after a delay.
    waiting: HashSet<ServerId>,
    work: JoinSet<Done>,
}

/// A result of the tasks in `work`.
enum Done {
    Listed(ServerId, Option<Postos>),
    Waited(ServerId),
}

impl FeedTask {
    fn new(gateway: Arc<Gateway>, state: Arc<FeedState>) -> Self {
        let (listing, waiting) = (HashMap::new(), HashSet::new());
        Self { gateway, state, listing, waiting, work: JoinSet::new() }
    }

    /// Runs until it is dropped, or the bus is closed.
    async fn run(mut self) {
        let mut postos = self.gateway.bus.subscribe(topics::EVERY_PONTO_STATUS, MAX_RECEIVED);
        let mut directory = self.gateway.directory.changes();
        let mut link = self.gateway.bus.link();
        let mut poll = interval(POLL_INTERVAL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        poll.reset();
        // The lists are asked for when the subscription is in force.
        self.take_servidores(true);
        loop {
            tokio::select! {
                received = postos.next() => match received {
                    Some(Received::Gap) => self.list_all(),
                    Some(Received::Message(topic, payload)) => self.receive(&topic, &payload),
                    // The bus was closed.
                    None => return,
                },
                Ok(()) = directory.changed() => self.list_returned(),
                Ok(()) = link.changed() => self.list_returned(),
                Some(Ok(done)) = self.work.join_next() => self.take(done),
                _ = poll.tick() => {
                    self.list_returned();
                    self.list_all();
                }
            }
        }
    }

    fn take_servidores(&self, is_first: bool) -> Vec<ServerId> {
        let servidores = self.gateway.servidores().into_iter().map(Servidor::from).collect();
        self.state.take_servidores(servidores, is_first)
    }

    fn list_returned(&mut self) {
        for server_id in self.take_servidores(false) {
            self.list(server_id);
        }
    }

    fn list_all(&mut self) {
        for server_id in self.state.online() {
            self.list(server_id);
        }
    }

    fn receive(&mut self, topic: &str, payload: &[u8]) {
        match serde_json::from_slice::<PontoStatus>(payload) {
            Ok(status) if topics::ponto_status(status.ponto_id) != topic => {
                self.gateway.bus.bad_message(topic, "ponto_id is not the one in the topic");
            }
            Ok(status) => {
                let server_id = status.server_id.clone();
                if self.state.take_posto(status) {
                    self.list_after(LINGER, server_id);
                }
            }
            Err(error) => self.gateway.bus.bad_message(topic, &error.to_string()),
        }
    }

    /// Asks for the postos of a servidor. If a list is on its way, another is asked for after it.
    fn list(&mut self, server_id: ServerId) {
        if let Some(again) = self.listing.get_mut(&server_id) {
            *again = true;
            return;
        }
        // An offline servidor is listed when it returns.
        if !self.state.begin_listing(&server_id) {
            return;
        }
        self.listing.insert(server_id.clone(), false);
        let gateway = Arc::clone(&self.gateway);
        let asking = async move {
            let postos = gateway.list_for_events(&server_id).await;
            Done::Listed(server_id, postos)
        };
        self.work.spawn(asking.in_current_span());
    }

    fn list_after(&mut self, delay: Duration, server_id: ServerId) {
        if self.waiting.insert(server_id.clone()) {
            self.work.spawn(async move {
                sleep(delay).await;
                Done::Waited(server_id)
            });
        }
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::Listed(server_id, postos) => {
                let again = self.listing.remove(&server_id) == Some(true);
                let delay = match postos {
                    None => {
                        self.state.list_failed(&server_id);
                        Some(RETRY_INTERVAL)
                    }
                    Some(postos) => self.state.take_listed(&server_id, postos).then_some(LINGER),
                };
                if again {
                    self.list(server_id);
                } else if let Some(delay) = delay {
                    self.list_after(delay, server_id);
                }
            }
            Done::Waited(server_id) => {
                self.waiting.remove(&server_id);
                self.list(server_id);
            }
        }
    }
}
