//! Request coalescing: callers who ask for the same listing share one request.
//!
//! Promise 6: an answer is true at a moment after its caller asked. So a request answers only the
//! callers who came before it was sent; who comes later shares the next one, which is sent when the
//! one before it has ended, or after [`MAX_WAIT`].

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{Shared, WeakShared};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::error::GatewayError;

/// How long a request waits at most for the end of the one before it, which may be lost. Longer than
/// a round trip to a broker nearby under load: one request then answers all who came meanwhile.
const MAX_WAIT: Duration = Duration::from_millis(5);

type Answer<T> = Result<T, GatewayError>;
type Asked<T> = Pin<Box<dyn Future<Output = Answer<T>> + Send>>;

/// The requests in progress, by what they ask for.
pub(super) struct RequestCoalescer<K, T: Clone>(Arc<State<K, T>>);

struct State<K, T: Clone> {
    latest: Mutex<HashMap<K, Latest<T>>>,
    next_number: AtomicU64,
}

impl<K, T: Clone> Default for RequestCoalescer<K, T> {
    fn default() -> Self {
        Self(Arc::new(State { latest: Mutex::default(), next_number: AtomicU64::new(0) }))
    }
}

/// The latest request for one thing.
struct Latest<T: Clone> {
    number: u64,
    /// Until it is sent. It ends with its last caller.
    unsent: Option<WeakShared<Asked<T>>>,
    /// Resolves when it has ended.
    ended: oneshot::Receiver<()>,
}

impl<K, T> RequestCoalescer<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// The answer to a request that is sent from now on: to `ask`, or to one that another caller
    /// has asked and that was not sent yet. Dropping the future cancels the request if nobody else
    /// waits for it.
    pub(super) fn ask<F>(&self, key: &K, ask: impl FnOnce() -> F) -> Shared<Asked<T>>
    where
        F: Future<Output = Answer<T>> + Send + 'static,
    {
        let mut requests = self.0.latest.lock();
        let unsent = requests.get(key).and_then(|latest| latest.unsent.as_ref()?.upgrade());
        if let Some(request) = unsent {
            return request;
        }
        let before = requests.remove(key).map(|latest| latest.ended);
        let number = self.0.next_number.fetch_add(1, Relaxed);
        let (end, ended) = oneshot::channel();
        let progress = Progress { state: Arc::clone(&self.0), key: key.clone(), number, _end: end };
        let asked = run(progress, before, ask());
        // Spawned by its first caller, who does not hold the lock: a runtime that ends drops what is
        // spawned at once, and dropping it needs the lock.
        let answer = async {
            let task = AbortOnDropHandle::new(tokio::spawn(asked));
            task.await.unwrap_or(Err(GatewayError::Internal))
        };
        let request = (Box::pin(answer) as Asked<T>).shared();
        let latest = Latest { number, unsent: request.downgrade(), ended };
        requests.insert(key.clone(), latest);
        request
    }
}

async fn run<K: Eq + Hash, T: Clone>(
    progress: Progress<K, T>,
    before: Option<oneshot::Receiver<()>>,
    asked: impl Future<Output = Answer<T>>,
) -> Answer<T> {
    if let Some(before) = before {
        // Whether it has ended or takes too long makes no difference.
        let _ = timeout(MAX_WAIT, before).await;
    }
    progress.close();
    let answer = asked.await;
    drop(progress);
    answer
}

/// A request in progress. Dropped, it has ended.
struct Progress<K: Eq + Hash, T: Clone> {
    state: Arc<State<K, T>>,
    key: K,
    number: u64,
    _end: oneshot::Sender<()>,
}

impl<K: Eq + Hash, T: Clone> Progress<K, T> {
    /// From here on nobody shares it.
    fn close(&self) {
        let mut requests = self.state.latest.lock();
        if let Some(latest) = requests.get_mut(&self.key).filter(|last| last.number == self.number)
        {
            latest.unsent = None;
        }
    }
}

impl<K: Eq + Hash, T: Clone> Drop for Progress<K, T> {
    fn drop(&mut self) {
        let mut requests = self.state.latest.lock();
        if requests.get(&self.key).is_some_and(|latest| latest.number == self.number) {
            requests.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use tokio::sync::Notify;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// Counts the requests that are sent; each is answered with its number, when it may be.
    #[derive(Default)]
    struct Servidor {
        sent: AtomicU32,
        may_answer: Notify,
    }

    struct Asking {
        servidor: Arc<Servidor>,
        requests: RequestCoalescer<&'static str, u32>,
    }

    impl Asking {
        fn new() -> Self {
            Self { servidor: Arc::default(), requests: RequestCoalescer::default() }
        }

        fn ask(&self, key: &'static str) -> Shared<Asked<u32>> {
            let servidor = Arc::clone(&self.servidor);
            let request = self.requests.ask(&key, || async move {
                let number = servidor.sent.fetch_add(1, SeqCst) + 1;
                servidor.may_answer.notified().await;
                Ok(number)
            });
            // Its caller begins to wait.
            assert!(request.clone().now_or_never().is_none());
            request
        }

        async fn sent(&self) -> u32 {
            sleep(Duration::from_micros(1)).await;
            self.servidor.sent.load(SeqCst)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_request_answers_a_caller_who_came_after_it_was_sent() {
        let asking = Asking::new();
        let together = [asking.ask("a"), asking.ask("a")];
        assert_eq!(asking.sent().await, 1);
        let later = [asking.ask("a"), asking.ask("a"), asking.ask("a")];
        // The next request waits for the end of the first.
        assert_eq!(asking.sent().await, 1);
        asking.servidor.may_answer.notify_one();
        for caller in together {
            assert_eq!(caller.await, Ok(1));
        }
        assert_eq!(asking.sent().await, 2);
        asking.servidor.may_answer.notify_one();
        for caller in later {
            assert_eq!(caller.await, Ok(2));
        }
        assert!(asking.requests.0.latest.lock().is_empty(), "nothing is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_does_not_wait_long_for_the_one_before() {
        let asking = Asking::new();
        let lost = asking.ask("a");
        assert_eq!(asking.sent().await, 1);
        let begun = Instant::now();
        let next = asking.ask("a");
        sleep(MAX_WAIT + Duration::from_millis(1)).await;
        assert_eq!(asking.sent().await, 2);
        // Whichever is answered first.
        let last = asking.ask("a");
        asking.servidor.may_answer.notify_one();
        asking.servidor.may_answer.notify_one();
        assert_eq!((lost.await, next.await), (Ok(1), Ok(2)));
        assert_eq!(asking.sent().await, 3);
        asking.servidor.may_answer.notify_one();
        assert_eq!(last.await, Ok(3));
        assert!(begun.elapsed() < 3 * MAX_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn another_request_waits_for_none() {
        let asking = Asking::new();
        let (_one, _other) = (asking.ask("a"), asking.ask("b"));
        assert_eq!(asking.sent().await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_with_its_last_caller() {
        let asking = Asking::new();
        let (first, second) = (asking.ask("a"), asking.ask("a"));
        assert_eq!(asking.sent().await, 1);
        drop(first);
        asking.servidor.may_answer.notify_one();
        assert_eq!(second.await, Ok(1), "another caller still waits");
        let (third, fourth) = (asking.ask("a"), asking.ask("a"));
        assert_eq!(asking.sent().await, 2);
        let unsent = asking.ask("a");
        drop((third, fourth, unsent));
        assert_eq!(asking.sent().await, 2, "what nobody waits for is not sent");
        assert!(asking.requests.0.latest.lock().is_empty(), "nothing is kept");
        assert_eq!(Arc::strong_count(&asking.servidor), 1, "no request is in progress");
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let requests = RequestCoalescer::<&str, u32>::default();
        let answer = requests.ask(&"a", || async { panic!("on purpose") });
        assert_eq!(answer.await, Err(GatewayError::Internal));
        assert!(requests.0.latest.lock().is_empty(), "nothing is kept");
    }
}
