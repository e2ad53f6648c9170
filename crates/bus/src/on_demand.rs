//! Subscriptions that come and go while a program runs.
//!
//! A filter is subscribed to at the broker while at least one [`Subscription`] of it exists. The
//! table here has the subscribers of each filter and what the broker is known to have of it. The
//! connection sends the packets that make up the difference, and each new connection begins with all.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

mod subscription;

use subscription::Gap;
pub use subscription::{Received, Subscription};

/// The most filters in one packet.
const MAX_FILTERS: usize = 256;

/// All filters that are listened to, and those that the broker may still have.
#[derive(Debug, Default)]
pub(crate) struct OnDemand {
    /// By topic filter.
    filters: HashMap<String, Filter>,
    /// Filters for which something may have to be sent.
    unsettled: BTreeSet<String>,
    next_user: u64,
    is_closed: bool,
    /// Patterns of which a refusal was logged.
    refused: HashSet<String>,
}

#[derive(Debug, Default)]
struct Filter {
    users: Vec<User>,
    at_broker: AtBroker,
}

struct User {
    id: u64,
    messages: mpsc::Sender<(Arc<str>, Bytes)>,
    gap: Arc<Gap>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({})", self.id)
    }
}

/// What the broker has of a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum AtBroker {
    #[default]
    Nothing,
    /// SUBSCRIBE is in flight.
    Subscribing,
    /// It has answered SUBSCRIBE, or kept the filter of an earlier connection.
    Answered,
    /// UNSUBSCRIBE is in flight.
    Unsubscribing,
}

/// Filters to subscribe to and to unsubscribe from in the next packets.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) subscribe: Vec<String>,
    pub(crate) unsubscribe: Vec<String>,
}

impl OnDemand {
    /// Adds somebody who listens; `leave` is called with its number when it stops.
    pub(crate) fn add(
        &mut self,
        filter: &str,
        capacity: usize,
        leave: impl Fn(u64) + Send + Sync + 'static,
    ) -> Subscription {
        let (messages, receiver) = mpsc::channel(capacity.max(1));
        let gap = Arc::<Gap>::default();
        let id = self.next_user;
        self.next_user += 1;
        // When the bus is closed the sender is dropped here, and the subscription ends at once.
        if !self.is_closed {
            let entry = self.filters.entry(filter.to_owned()).or_default();
            if entry.at_broker == AtBroker::Answered {
                if entry.users.is_empty() {
                    // A late message can set `Answered` for a filter that the broker no longer has.
                    // Subscribing again is harmless: it replaces the subscription.
                    entry.at_broker = AtBroker::Nothing;
                } else {
                    gap.set();
                }
            }
            entry.users.push(User { id, messages, gap: Arc::clone(&gap) });
            self.unsettled.insert(filter.to_owned());
        }
        Subscription::new(receiver, gap, move || leave(id))
    }

    pub(crate) fn remove(&mut self, filter: &str, id: u64) {
        let Some(entry) = self.filters.get_mut(filter) else { return };
        entry.users.retain(|user| user.id != id);
        if entry.users.is_empty() && entry.at_broker == AtBroker::Nothing {
            self.filters.remove(filter);
            self.unsettled.remove(filter);
        } else {
            self.unsettled.insert(filter.to_owned());
        }
    }

    /// Prepares for a new connection. If the broker knew the session, it has the filters of earlier
    /// connections.
    pub(crate) fn begin_connection(&mut self, session_present: bool) {
        self.filters.retain(|_, entry| session_present || !entry.users.is_empty());
        for entry in self.filters.values_mut() {
            // A subscription that is made again takes the place of the one that is there.
            entry.at_broker = match entry.users.is_empty() {
                true => AtBroker::Answered,
                false => AtBroker::Nothing,
            };
        }
        self.unsettled = self.filters.keys().cloned().collect();
    }

    /// Takes the filters that are to be subscribed to or unsubscribed from now; they count as sent.
    pub(crate) fn take_steps(&mut self) -> Option<Steps> {
        let mut steps = Steps::default();
        while steps.subscribe.len() + steps.unsubscribe.len() < MAX_FILTERS {
            let Some(filter) = self.unsettled.pop_first() else { break };
            let Some(entry) = self.filters.get_mut(&filter) else { continue };
            match (entry.users.is_empty(), entry.at_broker) {
                (false, AtBroker::Nothing) => {
                    entry.at_broker = AtBroker::Subscribing;
                    steps.subscribe.push(filter);
                }
                (true, AtBroker::Answered) => {
                    entry.at_broker = AtBroker::Unsubscribing;
                    steps.unsubscribe.push(filter);
                }
                (true, AtBroker::Nothing) => {
                    self.filters.remove(&filter);
                }
                // Nothing to do now: the state is right, or a packet is in flight and its answer
                // lists the filter again.
                _ => {}
            }
        }
        (steps != Steps::default()).then_some(steps)
    }

    /// Records that SUBSCRIBE was answered, if only by a refusal. What was published before may be
    /// missing.
    pub(crate) fn subscribed(&mut self, filters: &[String]) {
        for filter in filters {
            let Some(entry) = self.filters.get_mut(filter) else { continue };
            entry.at_broker = AtBroker::Answered;
            entry.users.iter().for_each(|user| user.gap.set());
        }
        self.unsettled.extend(filters.iter().cloned());
    }

    /// Records that UNSUBSCRIBE was answered.
    pub(crate) fn unsubscribed(&mut self, filters: &[String]) {
        for filter in filters {
            if let Some(entry) = self.filters.get_mut(filter) {
                entry.at_broker = AtBroker::Nothing;
            }
        }
        self.unsettled.extend(filters.iter().cloned());
    }

    /// Passes a message to those who listen to its topic, or to the pattern that the topic matches.
    /// Never waits: a subscription with too many unread messages gets a gap. Returns whether an
    /// UNSUBSCRIBE is to be sent, because the broker has kept the filter from an earlier run of this
    /// program.
    pub(crate) fn deliver(&mut self, topic: &str, pattern: &str, payload: &Bytes) -> bool {
        let shared: Arc<str> = topic.into();
        let mut is_known = false;
        let names = [Some(topic), Some(pattern).filter(|pattern| *pattern != topic)];
        for entry in names.into_iter().flatten().filter_map(|name| self.filters.get(name)) {
            is_known = true;
            for user in &entry.users {
                let message = (Arc::clone(&shared), payload.clone());
                if user.messages.try_send(message).is_err() {
                    user.gap.set();
                }
            }
        }
        if is_known {
            return false;
        }
        for name in names.into_iter().flatten() {
            let at_broker = AtBroker::Answered;
            self.filters.insert(name.to_owned(), Filter { users: Vec::new(), at_broker });
            self.unsettled.insert(name.to_owned());
        }
        true
    }

    /// Whether a refusal of this pattern is the first.
    pub(crate) fn is_first_refusal(&mut self, pattern: &str) -> bool {
        self.refused.insert(pattern.to_owned())
    }

    /// Ends every subscription, because the bus has ended.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.filters.clear();
        self.unsettled.clear();
    }
}

/// Whether a topic matches a filter.
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    for part in filter.split('/') {
        match (part, levels.next()) {
            ("#", _) => return true,
            (_, None) => return false,
            ("+", Some(_)) => {}
            (part, Some(level)) if part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests;
