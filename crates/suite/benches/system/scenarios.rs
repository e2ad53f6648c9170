//! The measurements in their order.

use std::path::Path;
use std::sync::Arc;

use super::bench::{Bench, Pace};
use super::listeners::{Listening, listen};
use super::logins::BrokerAccess;
use super::mqtt::Version;
use super::report::{Report, Row};
use super::workload::{Mix, Workload};
use super::world::{POSTOS, Setup, World};
use super::{BARE, limits, mqtt};

/// The limits of broker, HTTP, disk and store alone.
pub(crate) async fn limits(pace: Pace, report: &mut Report) {
    let world = World::with_broker();
    let mut alone = |name: &str, callers, stats| {
        report.add(Row { name: name.to_owned(), callers, stats, usage: Default::default() });
    };
    for outstanding in [1, 64] {
        let stats = mqtt::round_trips(&world, Version::V3, outstanding, pace.length).await;
        alone(BARE, outstanding, stats.expect("a broker"));
    }
    alone("HTTP echo", 64, limits::http_echo(64, pace.length).await);
    alone("fdatasync", 1, limits::fdatasync(world.folder(), pace.length));
    alone("store alone", 64, limits::store(world.folder(), 64, pace.length).await);
}

/// Reservations with one kind of `entrega`.
pub(crate) async fn reservations(entrega: &'static str, pace: Pace, report: &mut Report) {
    let setup = Setup::usual(2, entrega);
    let mut bench = Bench::new(&setup, pace, report);
    let idle = bench.world.usage();
    bench.report.idle = Some((idle["gateway"].resident_mib, idle["server"].resident_mib));
    let name = format!("POST /reservar, {entrega}");
    for callers in [1, 16, 64, 256, 1024] {
        bench.closed(&name, Mix::Reserve, callers).await;
    }
    let top = bench.report.find(&name, 64).map_or(1000.0, |row| row.stats.per_second());
    for share in [0.25, 0.5] {
        let rate = (top * share).round();
        bench.open(&format!("{name}, {rate:.0}/s asked"), Mix::Reserve, rate).await;
    }
    bench.finish().await;
}

/// Listings, alone and mixed with reservations.
pub(crate) async fn listings(pace: Pace, report: &mut Report) {
    for postos in [100, 1_000] {
        let setup = Setup { postos, ..Setup::usual(2, "difusao") };
        let mut bench = Bench::new(&setup, pace, report);
        for callers in [1, 64] {
            bench.closed(&format!("GET /postos, {postos}"), Mix::List, callers).await;
        }
        bench.closed(&format!("4 GET /postos of {postos} to 1 POST"), Mix::Mixed, 64).await;
        bench.finish().await;
    }
}

/// Rounds of a comparison.
pub(crate) const ROUNDS: usize = 5;

/// What is compared with another version.
pub(crate) const COMPARED: [(&str, Mix, usize); 6] = [
    ("POST /reservar", Mix::Reserve, 1),
    ("POST /reservar", Mix::Reserve, 64),
    ("GET /postos, 1000, unchanged", Mix::List, 64),
    ("GET /postos, 1000, unchanged", Mix::List, 1),
    ("POST /reservar, GET /postos, 1000", Mix::Changed, 64),
    ("POST /reservar, GET /postos, 1000", Mix::Changed, 1),
];

/// Reservations and listings by the programs of another version and by these, in turns, so that both
/// meet the same load of the machine.
pub(crate) async fn versions(before: &Path, pace: Pace, report: &mut Report) {
    let setup = Setup::usual(2, "difusao");
    let mut apart = Report::default();
    let world = World::with_programs(&setup, before);
    let mut before = Bench::of(world, &setup, pace, &mut apart);
    let mut after = Bench::new(&setup, pace, report);
    for round in 1..=ROUNDS {
        for (name, mix, callers) in COMPARED {
            before.closed(&format!("{name}, before, round {round}"), mix, callers).await;
            after.closed(&format!("{name}, after, round {round}"), mix, callers).await;
        }
    }
    before.finish().await;
    after.finish().await;
    report.rows.extend(apart.rows);
}

/// How many servidores are compared.
pub(crate) const SERVERS: [usize; 4] = [1, 2, 8, 32];

/// More servidores on one broker.
pub(crate) async fn servers(pace: Pace, report: &mut Report) {
    for entrega in ["direta", "difusao"] {
        for servers in SERVERS {
            let setup = Setup::usual(servers, entrega);
            let mut bench = Bench::new(&setup, pace, report);
            let name = format!("{servers} servers, {entrega}");
            bench.closed(&name, Mix::Reserve, 64).await;
            if entrega == "direta" && [2, 32].contains(&servers) {
                // With 32, as many callers for each servidor as two have with 64.
                bench.closed(&name, Mix::Reserve, 1024).await;
            }
            bench.finish().await;
        }
    }
    // 30 servidores without requests, to see what they cost the other two.
    let setup = Setup::usual(32, "direta");
    let mut bench = Bench::new(&setup, pace, report);
    bench.workload = Arc::new(Workload::new(2, POSTOS));
    bench.closed("32 servers, 2 of them asked, direta", Mix::Reserve, 64).await;
    bench.finish().await;
}

pub(crate) const GATEWAYS: [&str; 2] = ["one gateway", "two gateways"];

/// What a measurement with these gateways is called.
pub(crate) fn gateways_name(entrega: &str, gateways: &str, round: usize) -> String {
    format!("POST /reservar, {entrega}, {gateways}, round {round}")
}

/// Two gateways on one broker, each with half of the callers, beside one with all of them, in turns.
pub(crate) async fn gateways(pace: Pace, report: &mut Report) {
    for entrega in ["difusao", "direta"] {
        let mut apart = Report::default();
        let setup = |gateways| Setup { gateways, ..Setup::usual(2, entrega) };
        let mut one = Bench::new(&setup(1), pace, report);
        let mut two = Bench::new(&setup(2), pace, &mut apart);
        for round in 1..=ROUNDS {
            for callers in [64, 256] {
                for (bench, gateways) in [&mut one, &mut two].into_iter().zip(GATEWAYS) {
                    let name = gateways_name(entrega, gateways, round);
                    bench.closed(&name, Mix::Reserve, callers).await;
                }
            }
        }
        one.finish().await;
        two.finish().await;
        report.rows.extend(apart.rows);
    }
}

/// A database with a long past and one without, in turns, so that both meet the same load of the
/// machine.
pub(crate) async fn history(pace: Pace, report: &mut Report) {
    let setup = Setup::usual(1, "direta");
    let mut with = Bench::new(&setup, pace, report);
    with.add_history(&setup).await;
    let mut apart = Report::default();
    let mut without = Bench::new(&setup, pace, &mut apart);
    for round in 1..=ROUNDS {
        with.closed(&format!("a million past reservas, round {round}"), Mix::Reserve, 64).await;
        without.closed(&format!("no past, round {round}"), Mix::Reserve, 64).await;
    }
    with.finish().await;
    without.finish().await;
    report.rows.extend(apart.rows);
}

/// The cost of a log line for each request.
pub(crate) async fn logging(pace: Pace, report: &mut Report) {
    for log in ["warn", "info"] {
        let setup = Setup { log, ..Setup::usual(2, "difusao") };
        let mut bench = Bench::new(&setup, pace, report);
        bench.closed(&format!("log at {log}"), Mix::Reserve, 64).await;
        bench.finish().await;
    }
}

/// A broker that lets everyone in, one where everyone logs in, and one with TLS as well, in turns.
pub(crate) async fn doors(pace: Pace, report: &mut Report) {
    let doors = [
        ("open", BrokerAccess::Anonymous),
        ("logins", BrokerAccess::Logins),
        ("TLS", BrokerAccess::Tls),
    ];
    let mut reports = [Report::default(), Report::default(), Report::default()];
    for entrega in ["difusao", "direta"] {
        let setup = |access| Setup { access, ..Setup::usual(2, entrega) };
        let worlds = doors.iter().zip(&mut reports);
        let mut benches: Vec<_> =
            worlds.map(|((_, access), report)| Bench::new(&setup(*access), pace, report)).collect();
        for round in 1..=ROUNDS {
            for ((name, _), bench) in doors.iter().zip(&mut benches) {
                let reserve = format!("POST /reservar, {entrega}, {name}, round {round}");
                bench.closed(&reserve, Mix::Reserve, 1).await;
                bench.closed(&reserve, Mix::Reserve, 64).await;
                let changed =
                    format!("POST /reservar, GET /postos, {entrega}, {name}, round {round}");
                bench.closed(&changed, Mix::Changed, 16).await;
            }
        }
        for bench in benches {
            bench.finish().await;
        }
    }
    report.rows.extend(reports.into_iter().flat_map(|apart| apart.rows));
}

/// What listeners cost those who reserve: with none, a hundred and a thousand, in turns. Reservas that
/// begin at once change their postos, which is sent to those who listen to all.
pub(crate) async fn events(pace: Pace, report: &mut Report) {
    let setup = Setup::usual(2, "difusao");
    let cases = [
        ("POST /reservar", Mix::Reserve, 64, Listening::Reservas, "follow a reserva"),
        ("POST /reservar, GET /postos", Mix::Changed, 16, Listening::All, "listen to all"),
    ];
    for (name, mix, callers, listening, what) in cases {
        let mut bench = Bench::new(&setup, pace, report);
        for round in 1..=ROUNDS {
            for count in [0, 100, 1_000] {
                let addr = bench.addr();
                let listeners = listen(&bench.workload, listening, &addr, count).await;
                let name = format!("{name}, {count} {what}, round {round}");
                bench.closed(&name, mix, callers).await;
                drop(listeners);
            }
        }
        bench.finish().await;
    }
}
