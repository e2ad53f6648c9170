//! The loop that takes messages from the broker and handles many of them at the same time.
//!
//! A message is acknowledged only when everything it asked for is on disk and answered. After a
//! crash before that the broker delivers it again, and the handler finds either nothing done or the
//! finished work.

// An array of commands has a future for each, allocated and moved as a whole: the limit is in
// clippy.toml.
#![warn(clippy::large_futures)]

mod call;
mod commands;
mod dispatch;
mod disponibilidade;
mod message;
mod tasks;
mod telemetry;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bus::Delivery;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::app_state::AppState;
use tasks::Tasks;

pub(crate) use tasks::MAX_TASKS;

/// How often charger messages that could not be written are tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Handles messages until `stop`, then waits for those that are being handled, until `cut_off` ends
/// them.
pub(crate) async fn run(
    app: Arc<AppState>,
    mut inbox: mpsc::Receiver<Delivery>,
    stop: CancellationToken,
    cut_off: CancellationToken,
) {
    let mut tasks = Tasks::new(cut_off);
    let mut retries = tokio::time::interval(RETRY_INTERVAL);
    retries.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let next = async {
            tasks.ready().await;
            // A command is taken only when the outbox has space for its reply and its events.
            app.bus.wait_for_capacity().await;
            inbox.recv().await
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = retries.tick() => retry_charger_messages(&app, &mut tasks).await,
            delivery = next => match delivery {
                // A panic is logged where it happens. The message stays unacknowledged, and the next
                // program would end by it as well.
                Some(delivery) => drop(catch_unwind(AssertUnwindSafe(|| {
                    dispatch::dispatch(&app, delivery, &mut tasks);
                }))),
                None => break,
            },
        }
    }
    tasks.finish().await;
}

/// Runs within the loop, and not as a task beside it, so that an old message reaches the writer's
/// queue before any message that arrives later.
async fn retry_charger_messages(app: &Arc<AppState>, tasks: &mut Tasks) {
    for source in app.charger_messages.unwritten() {
        tasks.ready().await;
        let app = Arc::clone(app);
        tasks.spawn(async move { disponibilidade::retry(&app, source).await });
    }
}
