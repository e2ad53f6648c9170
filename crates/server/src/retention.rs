//! Forgets what ended longer ago than `RETENCAO_DIAS`, and has the file written anew after that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{DAY_MS, HOUR_MS, Moment};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app_state::AppState;
use crate::store::{
    Audited, Author, ForgetEnded, ForgettableRows, ForgettingRun, Forgotten, VacuumIfDue,
};

/// How often it looks: soon after an interrupted run, and cheap while there is nothing to do.
const INTERVAL: Duration = Duration::from_secs(60);
/// When a day begins, after midnight UTC: at 4 in Brasília. Commands wait while the file is written
/// anew, and few people reserve then.
const DAY_BEGIN_MS: i64 = 7 * HOUR_MS;

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
        let cutoff = cutoff(app.now(), days);
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

/// Returns the moment until which everything that ended is to be forgotten, in milliseconds since 1970.
fn cutoff(now: Moment, days: u32) -> i64 {
    let today = (now.as_millis() - DAY_BEGIN_MS).div_euclid(DAY_MS) * DAY_MS;
    today + DAY_BEGIN_MS - i64::from(days) * DAY_MS
}

/// Forgets everything that ended until `cutoff`, part by part. Returns whether that is done: it ends
/// before when the database fails or the servidor stops, and is tried again at the next tick.
async fn forget_ended(app: &AppState, cutoff: i64, stop: &CancellationToken) -> bool {
    let (cutoff, mut ended) = (Moment::from_millis(cutoff), ForgettableRows::default());
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
        let begun = Instant::now();
        match app.store.execute(Audited { by: Author::Server, command }).await {
            Ok(next) => run = next,
            Err(error) => {
                warn!(%error, "what ended long ago is not forgotten yet");
                return false;
            }
        }
        // Half of the time is that of commands, which wait for each part.
        tokio::time::sleep(begun.elapsed()).await;
        if stop.is_cancelled() {
            return false;
        }
    }
    let Forgotten { reservas, carregamentos, refusals: recusas, carros } = run.forgotten;
    if reservas + carregamentos + recusas + carros > 0 {
        info!(reservas, carregamentos, recusas, carros, "forgot what ended long ago");
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_four_in_brasilia() {
        // 2026-01-01T07:00:00Z.
        let begin = 1_767_250_800_000;
        for (now, days, expected) in [
            (begin, 0, begin),
            (begin + DAY_MS - 1, 0, begin),
            (begin - 1, 0, begin - DAY_MS),
            (begin, 30, begin - 30 * DAY_MS),
            (0, 0, begin - 20_455 * DAY_MS),
            (begin, u32::MAX, begin - i64::from(u32::MAX) * DAY_MS),
        ] {
            assert_eq!(cutoff(Moment::from_millis(now), days), expected, "{now} {days}");
        }
    }
}
