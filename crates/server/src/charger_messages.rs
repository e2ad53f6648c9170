//! What chargers reported and is not on disk yet.
//!
//! A client whose request fails sees the error and repeats it. A charger reports a fault only
//! once, so its messages are kept here until they are written, in order of arrival.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::{ChargerMessage, PayloadDigest};
use parking_lot::Mutex;

use crate::store::{ChargerSource, WriteError};

/// Postos whose messages are kept at most: the ids come from outside and need not exist.
const MAX_POSTOS: usize = 100_000;
/// Bad messages that are remembered at most.
const MAX_BAD: usize = 1024;

/// The messages of each charger, until they are on disk.
#[derive(Debug, Default)]
pub(crate) struct ChargerMessages {
    by_source: Mutex<HashMap<ChargerSource, Arc<Charger>>>,
    /// Bad messages that the broker retains, and reasons why a charger's messages were refused: both come
    /// again and again.
    bad: Mutex<HashSet<(String, PayloadDigest)>>,
}

/// A charger with messages that are not on disk.
#[derive(Debug, Default)]
struct Charger {
    waiting: Mutex<Vec<ChargerMessage>>,
    /// Held while messages of this charger are written: whether one counts depends on those before.
    writing: tokio::sync::Mutex<()>,
}

impl ChargerMessages {
    /// Whether this is seen for the first time on this topic.
    pub(crate) fn is_new_bad(&self, topic: &str, digest: PayloadDigest) -> bool {
        let mut bad = self.bad.lock();
        if bad.len() >= MAX_BAD {
            bad.clear();
        }
        bad.insert((topic.to_owned(), digest))
    }

    /// Keeps a message, in the first poll, and has `write` write what this charger has waiting.
    /// Returns when the message is on disk, or stays for a retry because the database cannot store
    /// it now.
    pub(crate) async fn write<F: Future<Output = Result<bool, WriteError>>>(
        &self,
        source: ChargerSource,
        message: ChargerMessage,
        write: impl Fn(ChargerMessage) -> F,
    ) {
        let charger = self.register(source);
        message.join(&mut charger.waiting.lock());
        self.write_waiting(source, charger, write).await;
    }

    /// Writes again what the database could not store.
    pub(crate) async fn retry<F: Future<Output = Result<bool, WriteError>>>(
        &self,
        source: ChargerSource,
        write: impl Fn(ChargerMessage) -> F,
    ) {
        let charger = self.by_source.lock().get(&source).map(Arc::clone);
        if let Some(charger) = charger {
            self.write_waiting(source, charger, write).await;
        }
    }

    /// The postos that have messages waiting while no task writes them.
    pub(crate) fn unwritten(&self) -> Vec<ChargerSource> {
        let chargers = self.by_source.lock();
        let idle = chargers.iter().filter(|(_, charger)| charger.writing.try_lock().is_ok());
        idle.map(|(source, _)| *source).collect()
    }

    fn register(&self, source: ChargerSource) -> Arc<Charger> {
        let mut chargers = self.by_source.lock();
        if chargers.len() < MAX_POSTOS || chargers.contains_key(&source) {
            return Arc::clone(chargers.entry(source).or_default());
        }
        Arc::default()
    }

    async fn write_waiting<F: Future<Output = Result<bool, WriteError>>>(
        &self,
        source: ChargerSource,
        charger: Arc<Charger>,
        write: impl Fn(ChargerMessage) -> F,
    ) {
        let writing = match charger.writing.try_lock() {
            Ok(writing) => writing,
            Err(_) => charger.writing.lock().await,
        };
        // Empty if another task has written this message with its own.
        let mut messages = std::mem::take(&mut *charger.waiting.lock()).into_iter();
        while let Some(message) = messages.next() {
            if may_succeed_later(&write(message).await) {
                let mut waiting = charger.waiting.lock();
                let later = std::mem::take(&mut *waiting);
                let all = [message].into_iter().chain(messages).chain(later);
                all.for_each(|message| message.join(&mut waiting));
                break;
            }
        }
        drop(writing);
        let mut chargers = self.by_source.lock();
        // Not in the map if that was full.
        let is_in_map = chargers.get(&source).is_some_and(|known| Arc::ptr_eq(known, &charger));
        // The map and this task: no other task needs it, and none can begin to meanwhile.
        if is_in_map && Arc::strong_count(&charger) <= 2 && charger.waiting.lock().is_empty() {
            chargers.remove(&source);
        }
    }
}

fn may_succeed_later(outcome: &Result<bool, WriteError>) -> bool {
    use WriteError::{InDoubt, Overloaded, Unavailable};
    matches!(outcome, Err(Unavailable | InDoubt | Overloaded))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::future::ready;

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    type Outcome = Result<bool, WriteError>;

    const BROKEN: ChargerMessage = ChargerMessage {
        disponivel: false,
        em_manutencao: None,
        retained: Some([1; 16]),
        replayed: false,
    };
    const FREE: ChargerMessage = ChargerMessage { disponivel: true, retained: None, ..BROKEN };
    const REPLAYED: ChargerMessage = ChargerMessage { replayed: true, ..BROKEN };

    fn source(posto_id: i64) -> ChargerSource {
        ChargerSource { posto_id, direct: false }
    }

    /// Records what is written; answers `outcomes` first, and then that it is written.
    struct Database(RefCell<Vec<ChargerMessage>>, RefCell<VecDeque<Outcome>>);

    impl Database {
        fn new(outcomes: impl Into<VecDeque<Outcome>>) -> Self {
            Self(RefCell::default(), RefCell::new(outcomes.into()))
        }

        fn write(&self) -> impl Fn(ChargerMessage) -> std::future::Ready<Outcome> {
            |message| {
                self.0.borrow_mut().push(message);
                ready(self.1.borrow_mut().pop_front().unwrap_or(Ok(true)))
            }
        }

        fn take_written(&self) -> Vec<ChargerMessage> {
            std::mem::take(&mut *self.0.borrow_mut())
        }
    }

    #[tokio::test]
    async fn a_message_is_kept_until_it_is_written() {
        use WriteError::{InDoubt, Overloaded, Unavailable};
        let database = Database::new([Err(Unavailable), Err(Overloaded), Err(InDoubt)]);
        let messages = ChargerMessages::default();
        messages.write(source(5), BROKEN, database.write()).await;
        for _ in 0..3 {
            assert_eq!(messages.unwritten(), [source(5)]);
            assert_eq!(database.take_written(), [BROKEN]);
            messages.retry(source(5), database.write()).await;
        }
        assert_eq!(database.take_written(), [BROKEN]);
        assert!(messages.by_source.lock().is_empty(), "a written message is forgotten");
        let refused = Database::new([Err(WriteError::Expired)]);
        messages.write(source(5), BROKEN, refused.write()).await;
        assert!(messages.by_source.lock().is_empty(), "another attempt would be refused too");
    }

    #[tokio::test]
    async fn messages_are_written_in_order_of_arrival() {
        let database = Database::new([Err(WriteError::Unavailable), Err(WriteError::Unavailable)]);
        let messages = ChargerMessages::default();
        messages.write(source(5), FREE, database.write()).await;
        // Whether this one counts depends on what is on disk, so it replaces nothing.
        messages.write(source(5), REPLAYED, database.write()).await;
        assert_eq!(database.take_written(), [FREE, FREE]);
        messages.write(source(5), FREE, database.write()).await;
        let last = ChargerMessage { retained: None, ..FREE };
        assert_eq!(database.take_written(), [FREE, REPLAYED, last]);
        assert!(messages.by_source.lock().is_empty());
    }

    #[tokio::test]
    async fn a_message_that_is_not_kept_removes_none_that_is() {
        let (done, writing) = oneshot::channel::<Outcome>();
        let writing = writing.map(|outcome| outcome.expect("an outcome")).shared();
        let messages = ChargerMessages::default();
        for posto_id in 1..=MAX_POSTOS as i64 {
            messages.register(source(posto_id));
        }
        let mut not_kept = Box::pin(messages.write(source(0), FREE, |_| writing.clone()));
        assert!(not_kept.as_mut().now_or_never().is_none(), "it is being written");
        messages.by_source.lock().remove(&source(1));
        let failing = Database::new([Err(WriteError::Unavailable)]);
        messages.write(source(0), BROKEN, failing.write()).await;
        done.send(Ok(true)).expect("it waits");
        not_kept.await;
        assert!(messages.by_source.lock().contains_key(&source(0)), "its retry is lost");
    }

    #[tokio::test]
    async fn what_arrives_while_a_message_is_written_is_written_together() {
        let (fail, failing) = oneshot::channel::<Outcome>();
        let messages = ChargerMessages::default();
        let failing = failing.map(|outcome| outcome.expect("an outcome")).shared();
        let mut first = Box::pin(messages.write(source(5), BROKEN, |_| failing.clone()));
        assert!(first.as_mut().now_or_never().is_none(), "it is being written");
        assert_eq!(messages.unwritten(), [], "it is being written");
        let database = Database::new([]);
        let mut others: Vec<_> =
            (0..100).map(|_| Box::pin(messages.write(source(5), FREE, database.write()))).collect();
        for other in &mut others {
            assert!(other.as_mut().now_or_never().is_none(), "its turn has not come");
        }
        fail.send(Err(WriteError::Unavailable)).expect("it waits");
        first.await;
        futures_util::future::join_all(others).await;
        // The broker still retains the first one.
        assert_eq!(database.take_written(), [ChargerMessage { retained: BROKEN.retained, ..FREE }]);
        assert!(messages.by_source.lock().is_empty());
    }
}
