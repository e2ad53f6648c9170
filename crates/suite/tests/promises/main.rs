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
mod lost_files;
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
    for (state, least) in [("nao_compareceu", 50), ("cancelada", 10), ("cumprida", 1)] {
        let count = report.states.get(&format!("reservas {state}")).copied().unwrap_or_default();
        assert!(count >= least, "{count} reservas are {state}");
    }
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
    let archived = report.states.get("archived rows").copied().unwrap_or_default();
    assert!(archived > 500, "{archived} rows were archived");
}
