//! What a machine and its operator do to a program: odd settings, addresses and limits.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Output;

use serde_json::json;

use crate::harness::{Program, TEST_TIMEOUT, World, eventually, free_port, path_of, payload};

const NOT_UTF8: &[u8] = b"sqlite:///./data/po\xE7o.db";

async fn run(world: &World, name: &str, arguments: &[&OsStr], set: &[(&str, &OsStr)]) -> Output {
    let mut command = tokio::process::Command::new(path_of(name).await);
    command.env_clear().current_dir(world.folder()).kill_on_drop(true);
    command.args(arguments).envs(set.iter().copied());
    let ended = tokio::time::timeout(TEST_TIMEOUT, command.output()).await;
    ended.expect("it ends").expect("it starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_not_utf8_is_refused_by_name() {
    let world = World::new().await;
    let wrong = OsStr::from_bytes(NOT_UTF8);
    for (name, id, settings) in
        [("server", "SERVER_ID", server::SETTINGS), ("client", "MQTT_CLIENT_ID", client::SETTINGS)]
    {
        for setting in settings {
            let mut set = vec![("HTTP_ADDR", OsStr::new("127.0.0.1:0")), (id, OsStr::new("one"))];
            set.retain(|(variable, _)| *variable != setting.name);
            set.push((setting.name, wrong));
            let ended = run(&world, name, &[], &set).await;
            let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert_eq!(ended.status.code(), Some(2), "{name} {stderr}");
            let start = format!("{} is ", setting.name);
            assert!(stderr.starts_with(&start) && stderr.contains("not UTF-8"), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
        let ended = run(&world, name, &[OsStr::from_bytes(b"\xFF")], &[]).await;
        assert_eq!(ended.status.code(), Some(2), "an argument that is not UTF-8");
    }
    assert!(!world.folder().join("data").exists(), "no other file was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_asks_where_the_program_listens() {
    let world = World::new().await;
    for (name, id) in [("server", "SERVER_ID"), ("client", "MQTT_CLIENT_ID")] {
        for host in ["127.0.0.7", "0.0.0.0", "[::1]", "[::]"] {
            let addr = format!("{host}:{}", free_port());
            if TcpListener::bind(&addr).is_err() {
                assert!(host.starts_with('['), "a machine without IPv6 has IPv4");
                continue;
            }
            let set = [(id, "one"), ("HTTP_ADDR", addr.as_str())];
            let program = Program::start(name, &world, &set).await;
            let set = set.map(|(variable, value)| (variable, OsStr::new(value)));
            let check = async || run(&world, name, &[OsStr::new("healthcheck")], &set).await;
            eventually(&format!("{addr} is healthy"), async || check().await.status.success())
                .await;
            assert!(program.stop().await.success());
            assert_eq!(check().await.status.code(), Some(1), "nobody listens on {addr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_beyond_the_limit_of_file_size_is_a_full_disk() {
    let world = World::new().await;
    world.seed_postos("server1", 20);
    let set = [
        ("SERVER_ID", "server1"),
        ("RUST_LOG", "warn,server::start=info"),
        ("RESERVA_ANTECEDENCIA_DIAS", "3650"),
        ("RESERVAS_POR_CARRO", "0"),
    ];
    // Blocks of 512 bytes: 1 MiB.
    let server = Program::start_limited(&["-Sf 2048"], "server", &world, &set).await;
    let client = world.client("cliente1").await;
    client.sees("server1", "online").await;
    let mut made = 0;
    let refused = loop {
        let mut body = payload("AAA0001", made % 20 + 1);
        let day = made / 20 + 1;
        body["inicio"] = json!(format!("2035-{:02}-{:02}T00:00:00Z", day / 28 + 1, day % 28 + 1));
        body["fim"] = json!(format!("2035-{:02}-{:02}T12:00:00Z", day / 28 + 1, day % 28 + 1));
        let answer = client.reservar(&body).await;
        if answer.status != 200 {
            break answer;
        }
        made += 1;
        assert!(made < 5_000, "the limit was never reached");
    };
    assert_eq!(refused.verdict(), (503, "servidor_indisponivel"), "{refused:?}");
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(client.get("/postos?server_id=server1").await.status, 200, "listings still work");
    let pid = server.pid().to_string();
    let raised = std::process::Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited:unlimited"])
        .status();
    assert!(raised.expect("prlimit is installed").success());
    server.ready().await;
    let again = client.reservar(&payload("BBB0002", 1)).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert!(server.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_postos_with_only_a_header_is_said() {
    let world = World::new().await;
    world.seed_postos("server1", 0);
    let server = world.server("server1").await;
    let warned = server.log_lines().into_iter().find(|line| line["level"] == "WARN");
    let warned = warned.expect("a warning").to_string();
    assert!(warned.contains("data/server1/postos.csv"), "{warned}");
}
