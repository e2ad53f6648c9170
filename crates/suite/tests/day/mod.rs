//! A day at a site, simulated: real programs on a clock that runs 100 times as fast, drivers who
//! come, stay, leave and stay away, postos that fail, and faults. See docs/day.md.

mod checks;
mod checks_tests;
mod clock;
mod database;
mod decimal;
mod listener;
mod money;
mod operator;
mod plan;
mod players;
mod plot;
mod refusals;
mod report;
mod run;
mod site;
mod steps;
mod timelines;
mod totals;
mod trips;
mod visit;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use checks::Kind;
use plan::{Day, Scale};
use report::Report;
use run::{Conditions, FAULTS, Played, play};

const GATEWAYS: [&str; 2] = ["cliente1", "cliente2"];

fn number(name: &str, default: i64) -> i64 {
    let given = std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    given.unwrap_or(default)
}

/// Both tolerances, beside each other.
async fn compared(day: &Arc<Day>, scale: &Scale) -> Report {
    let with = |tolerance| Conditions {
        tolerance,
        gateways: &GATEWAYS,
        faults: &FAULTS,
        pause: Duration::from_secs(if scale.shorter > 1 { 4 } else { 12 }),
        in_order: false,
        seeded_bug: None,
    };
    let (without, with) = (with(0), with(scale.tolerance()));
    let (without, with) = tokio::join!(play(day, &without), play(day, &with));
    Report::of([without, with])
}

/// `DAY_HOURS`, `DAY_SEED` choose another day; with `DAY_REPORT`, a folder, the report is written.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_day_at_a_site() {
    let scale = Scale::of(number("DAY_HOURS", 1));
    let seed = number("DAY_SEED", 14).unsigned_abs();
    let day = Arc::new(Day::plan(seed, &scale));
    let report = compared(&day, &scale).await;
    report.print();
    if let Ok(folder) = std::env::var("DAY_REPORT") {
        let folder = Path::new(&folder);
        let date = protocol::Timestamp::clamped(crate::history::now()).to_string();
        let command = std::env::var("DAY_COMMAND").unwrap_or_default();
        std::fs::write(folder.join("day.svg"), report.plot()).expect("the plot is written");
        let page = report.page(&date[..10], &command);
        std::fs::write(folder.join("day.md"), page).expect("the report is written");
    }
    assert_eq!(report.kinds(), std::collections::BTreeMap::new(), "violations, printed above");
    assert_eq!(report.problems(), Vec::<String>::new());
    assert!(report.faults() > 4, "too few faults");
    // A site that refuses everybody would do nothing wrong.
    for totals in report.totals() {
        assert!(totals.sessions * 3 > totals.trips, "{totals:?}");
        for state in ["cumprida", "cancelada"] {
            assert!(totals.reservas.contains_key(state), "no reserva is {state}");
        }
        assert!(totals.refusals.contains_key("posto_reservado"), "nobody was refused a posto");
    }
    let absent = |place: usize| report.totals()[place].reservas.contains_key("nao_compareceu");
    assert!(!absent(0) && absent(1), "carros are absent with a tolerance, and only then");
    assert!(report.plot().starts_with("<svg"));
}

async fn in_order(day: &Arc<Day>, scale: &Scale, seeded_bug: Option<&str>) -> Played {
    let conditions = Conditions {
        tolerance: scale.tolerance(),
        gateways: &GATEWAYS[..1],
        faults: &[],
        pause: Duration::ZERO,
        in_order: true,
        seeded_bug,
    };
    play(day, &conditions).await
}

/// Without faults, and with one gateway.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_seed_plays_the_same_day_again() {
    let scale = Scale::of(1);
    let day = Arc::new(Day::plan(7, &scale));
    let (once, again) = tokio::join!(in_order(&day, &scale, None), in_order(&day, &scale, None));
    for played in [&once, &again] {
        let violations = &played.checked.violations;
        assert!(violations.is_empty() && played.problems.is_empty(), "{violations:#?}");
        let unpublished: Vec<_> = played
            .checked
            .timelines
            .iter()
            .filter(|timeline| !timeline.unpublished.is_empty())
            .collect();
        assert!(unpublished.is_empty(), "without faults everything is published: {unpublished:?}");
    }
    assert_eq!(totals::totals(&once), totals::totals(&again));
}

/// The checks must find what they look for.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn a_day_on_which_postos_are_held_twice_is_found_out() {
    let scale = Scale::of(1);
    let day = Arc::new(Day::plan(7, &scale));
    let played = in_order(&day, &scale, Some("Overlap")).await;
    let found = played.checked.violations.iter().any(|found| found.kind == Kind::HeldTwice);
    assert!(found, "{:?}", played.checked.violations);
}
