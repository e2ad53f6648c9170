//! Forgets what ended longer ago than `RETENCAO_DIAS`, and has the file written anew after that.

use std::sync::Arc;
use std::time::Duration;

use domain::Moment;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app_state::AppState;
use crate::store::{Audited, Author, Ended, ForgetEnded, ForgettingRun, VacuumIfDue};

/// How often it looks: soon after an interrupted run, and cheap while there is nothing to do.
const INTERVAL: Duration = Duration::from_secs(60);
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// Runs until `stop`. With 0 days nothing is forgotten for its age.
pub(crate) async fn run(app: Arc<AppState>, days: u32, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Whole days, so that there is one run in a day.
    let mut last_cutoff = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let today = app.now().as_millis().div_euclid(DAY_MILLIS) * DAY_MILLIS;
        let cutoff = today - i64::from(days) * DAY_MILLIS;
        if days > 0 && last_cutoff != Some(cutoff) && forget_ended(&app, cutoff, &stop).await {
            last_cutoff = Some(cutoff);
        }
        match app.store.vacuum_is_due().await {
            Ok(true) => {
                // A failure is logged where it happens.
                let _ = app.store.execute(VacuumIfDue).await;
            }
            Ok(false) => {}
            Err(error) => warn!(%error, "the database cannot be read"),
        }
    }
}

/// Whether everything that ended until then is forgotten.
async fn forget_ended(app: &AppState, cutoff: i64, stop: &CancellationToken) -> bool {
    let (cutoff, mut ended) = (Moment::from_millis(cutoff), Ended::default());
    let mut run = ForgettingRun::default();
    loop {
        match app.store.ended(cutoff, &ended).await {
            Ok(next) if next.is_empty() => break,
            Ok(next) => ended = next,
            Err(error) => {
                warn!(%error, "the database cannot be read");
                return false;
            }
        }
        let command = ForgetEnded { cutoff, ended: ended.clone(), run };
        match app.store.execute(Audited { by: Author::Server, command }).await {
            Ok(next) => run = next,
            Err(error) => {
                warn!(%error, "what ended long ago is not forgotten yet");
                return false;
            }
        }
        if stop.is_cancelled() {
            return false;
        }
    }
    let forgotten = run.forgotten;
    if forgotten != Default::default() {
        let crate::store::Forgotten { reservas, carregamentos, refusals, carros } = forgotten;
        info!(reservas, carregamentos, refusals, carros, "forgot what ended long ago");
    }
    true
}
