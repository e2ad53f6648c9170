//! Plays a plan: each driver by a task of its own, or all in the order of the plan.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::operator::Operator;
use super::plan::Day;
use super::site::Site;
use super::visit::Visit;

enum Player {
    Driver(Box<Visit>),
    Operator(Operator),
}

impl Player {
    fn next_at(&self) -> Option<i64> {
        match self {
            Self::Driver(visit) => visit.steps.next_at(),
            Self::Operator(operator) => operator.steps.next_at(),
        }
    }

    async fn play(&mut self, site: &Site, day: &Day) {
        match self {
            Self::Driver(visit) => {
                if let Some((at, step)) = visit.steps.take() {
                    visit.play(site, at, step).await;
                }
            }
            Self::Operator(operator) => {
                if let Some((_, duty)) = operator.steps.take() {
                    operator.play(site, day, duty).await;
                }
            }
        }
    }
}

fn players(day: &Day) -> Vec<Player> {
    let drivers =
        day.trips.iter().map(|trip| Player::Driver(Box::new(Visit::new(trip.clone(), day.grid))));
    drivers.chain([Player::Operator(Operator::new(day))]).collect()
}

/// Each as soon as its time has come, whatever the others wait for; until the end of the day.
pub(crate) async fn play_at_once(site: &Arc<Site>, day: &Arc<Day>) {
    let (mut tasks, end) = (JoinSet::new(), CancellationToken::new());
    for mut player in players(day) {
        let (site, day, end) = (Arc::clone(site), Arc::clone(day), end.clone());
        tasks.spawn(async move {
            while let Some(at) = player.next_at().filter(|at| *at < day.length) {
                tokio::select! {
                    () = site.clock.wait_until(site.begin + at) => {}
                    () = end.cancelled() => return,
                }
                player.play(&site, &day).await;
            }
        });
    }
    site.clock.wait_until(site.begin + day.length).await;
    end.cancel();
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no player panicked");
    }
}

/// One step after the other, in the order of the plan, so that the same plan has the same outcome.
pub(crate) async fn play_in_order(site: &Site, day: &Day) {
    let mut players = players(day);
    loop {
        let next = players.iter().enumerate();
        let next = next.filter_map(|(number, player)| Some((player.next_at()?, number))).min();
        let Some((at, number)) = next.filter(|(at, _)| *at < day.length) else { break };
        site.clock.wait_until(site.begin + at).await;
        players[number].play(site, day).await;
    }
    site.clock.wait_until(site.begin + day.length).await;
}
