//! A `/proc` that has only processes.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::{Program, World};

/// As the units for systemd have it (`ProcSubset=pid`): an alert is about the start of each program.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root, to mount a /proc that has only processes"]
async fn the_figures_of_the_process_are_there_where_proc_has_processes_only() {
    let world = World::new().await;
    world.seed_postos("server1", 20);
    let mount = "mount -t proc -o subset=pid proc \"$1\" && ! test -e \"$1/stat\"";
    for (name, id) in [("server", "SERVER_ID"), ("client", "MQTT_CLIENT_ID")] {
        let set = [(id, "server1"), ("METRICS_ADDR", "127.0.0.1:0")];
        let before = unix_seconds();
        let program = Program::start_with_mount(mount, "/proc".as_ref(), name, &world, &set).await;
        let scrape = program.scrape().await;
        let started = scrape.value("process_start_time_seconds", &[]);
        assert!((before..=unix_seconds()).contains(&started), "{started}");
        for metric in ["process_cpu_seconds_total", "process_resident_memory_bytes"] {
            assert!(scrape.value(metric, &[]) >= 0.0);
        }
        assert!(program.stop().await.success());
    }
}

fn unix_seconds() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs_f64()
}
