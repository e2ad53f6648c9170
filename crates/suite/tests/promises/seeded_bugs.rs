//! The checker finds each seeded bug in a short run.

use std::time::Duration;

use super::checker::Kind;
use super::faults::Fault;
use super::soak::{ARCHIVE_AGE, Plan, TOLERANCIA, run};

const DRIVERS: usize = 24;
const VISITORS: usize = 6;
/// So few that there is often no commit between one that fails and a kill.
const FEW_DRIVERS: usize = 4;

/// Runs for `seconds` against servidores with a bug, which must show this violation. Whether a fault
/// meets the bug is a matter of milliseconds, so it has several runs.
async fn is_caught(bug: &'static str, faults: &'static [Fault], seconds: u64, promise: Kind) {
    is_caught_by(DRIVERS, bug, faults, seconds, promise).await;
}

async fn is_caught_by(
    drivers: usize,
    bug: &'static str,
    faults: &'static [Fault],
    seconds: u64,
    promise: Kind,
) {
    let of_seed = |seed| Plan { drivers, ..plan(bug, faults, seconds, seed) };
    is_caught_in(of_seed, promise).await;
}

async fn is_caught_in(of_seed: impl Fn(u64) -> Plan, promise: Kind) {
    let mut found = Vec::new();
    for seed in 1..=6 {
        let kinds = run(of_seed(seed)).await.kinds();
        if kinds.contains_key(&promise) {
            return;
        }
        found.push(kinds);
    }
    panic!("{found:?}");
}

fn plan(bug: &'static str, faults: &'static [Fault], seconds: u64, seed: u64) -> Plan {
    Plan {
        seed,
        length: Duration::from_secs(seconds),
        drivers: DRIVERS,
        visitors: VISITORS,
        tolerancia: Duration::ZERO,
        archive_age: None,
        faults,
        pause: Duration::from_millis(1_200),
        seeded_bug: Some(bug),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn without_the_overlap_check_postos_are_held_twice() {
    is_caught("Overlap", &[Fault::LinkSlow], 8, Kind::HeldTwice).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn with_replies_before_the_commit_sucessos_are_lost() {
    is_caught("EarlyReply", &[Fault::KillServer], 15, Kind::SucessoLost).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn without_stored_replies_one_request_gets_two_answers() {
    is_caught("ForgottenReply", &[Fault::LinkSlow], 8, Kind::NotOnce).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root for disks"]
async fn with_denials_before_they_are_certain_a_denial_comes_true() {
    let faults = &[Fault::SyncFails];
    is_caught_by(FEW_DRIVERS, "EarlyDenial", faults, 25, Kind::RefusedYetDone).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root for disks"]
async fn with_a_version_that_repeats_listings_are_false() {
    is_caught("RepeatedVersion", &[Fault::Restore], 10, Kind::FalseListing).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn with_sessions_that_free_nothing_postos_are_held_by_nobody() {
    is_caught("SessionEndKeepsHold", &[Fault::LinkSlow], 12, Kind::HeldByNobody).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn with_moves_that_lose_reservas_some_are_cancelled_by_nobody() {
    is_caught("MoveLosesReserva", &[Fault::LinkSlow], 15, Kind::NotAskedFor).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn with_changes_that_give_up_first_some_are_cancelled_by_nobody() {
    is_caught("ChangeDropsFirst", &[Fault::LinkSlow], 8, Kind::NotAskedFor).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn with_cancellations_that_are_not_published_a_client_does_not_know() {
    is_caught("UnpublishedCancel", &[Fault::LinkSlow], 8, Kind::NotPublished).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn with_absences_that_wait_for_a_timer_callers_are_refused_for_nobody() {
    let bug = |seed| plan("AbsenceKeepsHold", &[Fault::LinkSlow], 15, seed);
    let of_seed = |seed| Plan { tolerancia: TOLERANCIA, ..bug(seed) };
    is_caught_in(of_seed, Kind::RefusedWrongly).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn without_a_look_into_the_archive_one_request_gets_two_answers() {
    let bug = |seed| plan("ForgottenArchive", &[Fault::LinkSlow], 20, seed);
    let of_seed = |seed| Plan { archive_age: Some(ARCHIVE_AGE), ..bug(seed) };
    is_caught_in(of_seed, Kind::NotOnce).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn with_poison_that_is_kept_a_servidor_stays_away() {
    let report = run(plan("KeepPoison", &[Fault::Poison], 10, 1)).await;
    let unready = |problem: &String| problem.contains("is not answered with 200");
    assert!(report.problems.iter().any(unready), "{:?}", report.problems);
}
