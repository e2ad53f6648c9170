//! A servidor whose wall clock jumps back and forward.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::harness::{Program, World, eventually, payload};

/// The library of Debian's `faketime`, which gives a program another wall clock.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a folder of libraries");
    let mut found = folders
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.exists()).expect("the package faketime is installed")
}

/// A wall clock that the test can set.
struct Clock {
    file: PathBuf,
    library: PathBuf,
}

impl Clock {
    fn new(folder: &Path) -> Self {
        let clock = Self { file: folder.join("clock"), library: faketime() };
        clock.set("+0");
        clock
    }

    /// Sets the offset from the real clock, as `+2d` or `-1h`.
    fn set(&self, offset: &str) {
        std::fs::write(&self.file, format!("{offset}\n")).expect("a file");
    }

    fn settings(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", self.library.to_str().expect("a path")),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().expect("a path")),
            ("FAKETIME_NO_CACHE", "1"),
            // Time limits use the monotonic clock, which never jumps.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }

    async fn server(&self, world: &World) -> Program {
        world.server_with("server1", &self.settings()).await
    }

    async fn client(&self, world: &World) -> Program {
        world.client_with("cliente1", &self.settings()).await
    }
}

/// Answers of every kind, in both programs.
async fn is_answered(server: &Program, client: &Program) {
    for program in [server, client] {
        assert_eq!(program.get("/healthz").await.status, 200);
        assert_eq!(program.get("/unknown").await.verdict(), (404, "rota_inexistente"));
        program.ready().await;
    }
    assert_eq!(server.get("/postos").await.status, 200);
    assert_eq!(server.get("/reservas").await.status, 200);
    client.sees("server1", "online").await;
    assert_eq!(client.get("/postos?server_id=server1").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto and faketime"]
async fn a_clock_that_was_never_set_or_is_far_ahead_is_logged_and_stops_no_answer() {
    // The years 1966 and 10426.
    for wrong in ["-60y", "+8400y"] {
        let world = World::on_mosquitto().await;
        let clock = Clock::new(world.folder());
        clock.set(wrong);
        let (server, client) = tokio::join!(clock.server(&world), clock.client(&world));
        is_answered(&server, &client).await;
        let answer = client.reservar(&payload("AAA0001", 1)).await;
        assert!(answer.status == 200 || answer.status == 422, "{answer:?}");
        // Set right while it runs, and wrong again.
        for offset in ["+0", wrong] {
            clock.set(offset);
            is_answered(&server, &client).await;
        }
        for program in [server, client] {
            let (status, log) = program.stop_with_log().await;
            assert!(status.success());
            let clock =
                |line: &&serde_json::Value| line.to_string().contains("clock of this machine");
            assert_eq!(log.iter().filter(clock).count(), 1, "one line says so");
            let panics = log.iter().filter(|line| line["message"] == "a thread panicked");
            assert_eq!(panics.count(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto and faketime"]
async fn a_clock_that_jumps_ends_no_reserva_and_no_time_limit() {
    let mut world = World::on_mosquitto().await;
    let clock = Clock::new(world.folder());
    let server = clock.server(&world).await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    let made = client.reservar(&payload("AAA0001", 1)).await;
    assert_eq!(made.status, 200, "{made:?}");

    clock.set("-1h");
    let back = client.reservar(&payload("AAA0001", 2)).await;
    assert_eq!(back.status, 200, "time limits do not depend on the wall clock: {back:?}");
    let refused = client.reservar(&payload("BBB0002", 1)).await;
    assert_eq!(refused.verdict(), (409, "posto_reservado"));
    // The next birth carries an older time than the will of the previous connection.
    world.broker.kill().await;
    eventually("the broker is missed", async || server.get("/readyz").await.status == 503).await;
    world.broker.start_again().await;
    server.ready().await;
    client.ready().await;
    client.sees("server1", "online").await;
    server.kill().await;
    client.sees("server1", "offline").await;
    clock.set("-2h");
    let server = clock.server(&world).await;
    client.sees("server1", "online").await;
    eventually("the servidor answers again", async || {
        client.reservar(&payload("BBB0002", 1)).await.verdict() == (409, "posto_reservado")
    })
    .await;

    clock.set("+2d");
    eventually("both reservas have ended by the clock of the servidor", async || {
        let ended = server.get("/reservas?status=encerrada").await.json;
        ended["reservas"].as_array().is_some_and(|list| list.len() == 2)
    })
    .await;
    // Long enough for the sweep to mark them.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    clock.set("+0");
    let refused = client.reservar(&payload("CCC0003", 1)).await;
    assert_eq!(refused.verdict(), (409, "posto_reservado"), "it has not ended: {refused:?}");
    let again = server.get(&format!("/reservas/{}", made.json["reserva"]["id"])).await;
    assert_eq!(again.json["status"], json!("ativa"));
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
    assert_eq!(client.post(&cancel, &json!(null)).await.status, 200);
    assert_eq!(client.reservar(&payload("CCC0003", 1)).await.status, 200);
}
