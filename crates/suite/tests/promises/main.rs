//! The promises of a reserva, checked under faults.
//!
//! The checker's tests need nothing. All others need Mosquitto, and some need root:
//! `cargo test -p suite --test promises -- --include-ignored`.

mod admin;
mod backups;
mod checker;
mod clock;
mod cluster;
mod crash_points;
#[path = "../day/mod.rs"]
mod day;
mod delivered_again;
mod disk;
mod disk_faults;
mod drill;
mod drill_checks;
mod drivers;
mod evidence;
mod expiry;
mod failed_sync;
mod failing_disk;
mod faults;
mod gateway_calls;
#[path = "../harness/mod.rs"]
mod harness;
mod history;
mod listener;
mod loaded_system;
mod lost_files;
mod only_processes;
mod operator;
mod overload;
mod overwritten;
mod proxy;
mod refusing_broker;
mod repeater;
mod resolver;
mod restored;
mod seeded_bugs;
mod soak;
mod standstill;
mod visitors;

use std::collections::BTreeMap;

/// In a run of this length every fault comes several times. In a shorter one some may not come at all:
/// each is tried once in about 40 seconds, and left out where the program has another one just then.
const LONG_RUN_SECONDS: usize = 300;

/// Panics unless each of these was counted at least so often.
fn assert_counted<const N: usize>(counted: &BTreeMap<String, usize>, least: [(&str, usize); N]) {
    for (what, least) in least {
        let count = counted.get(what).copied().unwrap_or_default();
        assert!(count >= least, "{what}: {count}, fewer than {least}");
    }
}

/// The whole system under faults; `SOAK_SECONDS` and `SOAK_SEED` choose another run.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root for disks that can be filled"]
async fn the_promises_hold_under_faults() {
    let report = soak::run(soak::Plan::from_environment(60)).await;
    report.print();
    if let Ok(path) = std::env::var("SOAK_REPORT") {
        std::fs::write(path, report.to_markdown()).expect("the report is written");
    }
    assert_eq!(report.kinds(), std::collections::BTreeMap::new(), "violations, printed above");
    assert_eq!(report.problems, Vec::<String>::new());
    assert!(report.operations > 1_000 && report.faults() > 10, "too few operations or faults");
    // A system that refuses everything would break no promise.
    let made = report.outcomes.get("ok").copied().unwrap_or_default();
    assert!(made * 10 > report.operations, "{made} of {} succeeded", report.operations);
    // Nor would one in which nothing happens at the postos. An idle machine gets through four times as much.
    let seconds = usize::try_from(report.length.as_secs()).expect("a short run");
    let in_a_minute = |count: usize| count * seconds / 60;
    assert_counted(
        &report.states,
        [
            ("sessions", in_a_minute(15)),
            ("reservas cumprida", in_a_minute(4)),
            ("moves", in_a_minute(8)),
            ("changes", in_a_minute(10)),
        ],
    );
    assert_counted(&report.published, [("posto_ocupado", in_a_minute(1))]);
    let missing = report.missing_faults();
    assert!(
        seconds < LONG_RUN_SECONDS || missing.is_empty(),
        "faults that never came: {missing:?}"
    );
}

/// The same where an operator has set a tolerance: most carros of drivers are absent.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root for disks that can be filled"]
async fn carros_that_do_not_come_hold_nothing() {
    let plan = soak::Plan { tolerancia: soak::TOLERANCIA, ..soak::Plan::from_environment(40) };
    let report = soak::run(plan).await;
    report.print();
    assert_eq!(report.kinds(), std::collections::BTreeMap::new(), "violations, printed above");
    assert_eq!(report.problems, Vec::<String>::new());
    assert_counted(
        &report.states,
        [("reservas nao_compareceu", 50), ("reservas cancelada", 10), ("reservas cumprida", 1)],
    );
}

/// The same where what ended is archived after a second, and drivers repeat, cancel, change and consult it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto, and root for disks that can be filled"]
async fn the_promises_hold_for_what_is_archived() {
    let plan = soak::Plan {
        archive_age: Some(soak::ARCHIVE_AGE),
        tolerancia: soak::TOLERANCIA,
        ..soak::Plan::from_environment(60)
    };
    let report = soak::run(plan).await;
    report.print();
    assert_eq!(report.kinds(), std::collections::BTreeMap::new(), "violations, printed above");
    assert_eq!(report.problems, Vec::<String>::new());
    assert_counted(&report.states, [("archived rows", 501)]);
}
