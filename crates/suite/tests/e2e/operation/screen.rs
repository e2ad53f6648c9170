//! `cargo run`: the program that runs the whole system, as a newcomer uses it.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};

use crate::harness::{Collector, Health, eventually, free_port, payload};

const PROGRAMS: [(&str, &str, &str); 4] = [
    ("server", "server_id", "server1"),
    ("server", "server_id", "server2"),
    ("client", "client_id", "cliente1"),
    ("client", "client_id", "cliente2"),
];

pub(super) struct Suite {
    child: Child,
    pub(super) ports: [u16; 6],
    folder: tempfile::TempDir,
}

/// Of the programs, such that their ports for metrics are free too.
fn free_ports() -> [u16; 6] {
    std::array::from_fn(|_| {
        let ports = std::iter::repeat_with(free_port);
        let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port + 2000)).is_ok();
        ports.take(100).find(is_free).expect("a free pair of ports")
    })
}

fn command(ports: [u16; 6], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_suite"));
    let [mqtt, websocket, server1, server2, client1, client2] = ports.map(|port| port.to_string());
    command.args(["--broker-ports", &mqtt, &websocket, "--server-ports", &server1, &server2]);
    command.args(["--client-ports", &client1, &client2]).arg("--data").arg(data);
    command.env_remove("RUST_LOG").stdin(Stdio::null()).kill_on_drop(true);
    command
}

impl Suite {
    /// Starts the suite on a new folder.
    pub(super) async fn start() -> Self {
        Self::start_on(tempfile::tempdir().expect("a folder")).await
    }

    async fn start_on(folder: tempfile::TempDir) -> Self {
        Self::start_with(folder, &[], &[]).await
    }

    async fn start_with(
        folder: tempfile::TempDir,
        arguments: &[&str],
        set: &[(&str, &str)],
    ) -> Self {
        let ports = free_ports();
        let screen = std::fs::File::create(folder.path().join("screen")).expect("a file");
        let errors = std::fs::File::create(folder.path().join("errors")).expect("a file");
        let mut command = command(ports, folder.path());
        command.args(arguments).envs(set.iter().copied()).stdout(screen).stderr(errors);
        let mut suite = Self { child: command.spawn().expect("it starts"), ports, folder };
        eventually("the screen is shown", async || {
            if let Some(ended) = suite.child.try_wait().expect("its state") {
                let errors = std::fs::read_to_string(suite.folder.path().join("errors"));
                panic!("the suite ended, {ended}: {}", errors.unwrap_or_default());
            }
            suite.screen().contains("/reservar")
        })
        .await;
        suite
    }

    fn screen(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("screen")).unwrap_or_default()
    }

    /// The programs that the log lines so far are of: service, and field and value of its id.
    fn named_lines(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let screen = self.screen();
        let lines = screen.lines().filter(|line| line.starts_with('{'));
        let named = lines.filter_map(|line| {
            let line: Value = serde_json::from_str(line).expect("a JSON line");
            let found = PROGRAMS
                .iter()
                .find(|(service, field, id)| line["service"] == *service && line[field] == *id);
            assert!(found.is_some() || line["service"] == "suite", "{line}");
            found.copied()
        });
        named.collect()
    }

    pub(super) async fn interrupt(self) -> std::process::ExitStatus {
        self.end().await.1
    }

    /// The folder, and how it ended.
    async fn end(mut self) -> (tempfile::TempDir, std::process::ExitStatus) {
        let pid = self.child.id().expect("it is running").to_string();
        let sent = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(sent.expect("kill runs").success());
        let stopped = tokio::time::timeout(crate::harness::TEST_TIMEOUT, self.child.wait()).await;
        (self.folder, stopped.expect("it stops").expect("it was running"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_printed_works_and_ctrl_c_stops_cleanly() {
    let suite = Suite::start().await;
    let screen = suite.screen();
    let before = screen.split("Try next").next().unwrap_or_default();
    assert!(!before.contains("timestamp"), "log lines before the screen: {screen}");
    let line = |part: &str| {
        let line = screen.lines().find(|line| line.contains(part)).expect(part);
        line.trim().to_owned()
    };
    for page in ["the drivers' page", "the operator's page", "the API"] {
        let line = line(page);
        let address = line.split_whitespace().next().expect("an address");
        let answer = reqwest::get(address).await.expect("an answer");
        assert_eq!(answer.status(), 200, "{address}");
        let html = answer.text().await.expect("a text");
        assert!(html.contains("<title>"), "{address}: {html}");
    }
    let list = line("/postos?").replace("curl ", "").replace('\'', "");
    let listed: Value = reqwest::get(list).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(listed["postos"].as_array().map(Vec::len), Some(120));
    let reserve = line("curl -X POST");
    let url = reserve.split_whitespace().nth(3).expect("an address").to_owned();
    let body =
        reserve.split("-d '").nth(1).and_then(|rest| rest.strip_suffix('\'')).expect("a body");
    let request = reqwest::Client::new().post(url).header("Content-Type", "application/json");
    let made = request.body(body.to_owned()).send().await.expect("an answer");
    let made: Value = made.json().await.expect("JSON");
    assert_eq!(
        made["mensagem"],
        "O posto Ponto 5 localizado no servidor server1 foi reservado para o carro de placa ABC1234."
    );
    for port in &suite.ports[2..] {
        let url = format!("http://127.0.0.1:{}/metrics", port + 2000);
        assert!(line("  metrics").contains(&url), "{screen}");
        let metrics = reqwest::get(url).await.expect("an answer").text().await.expect("a text");
        assert!(metrics.contains("postos_bus_link_up 1\n"), "{metrics}");
    }
    for id in [("server", "server_id", "server1"), ("client", "client_id", "cliente1")] {
        eventually("a line names its program", async || suite.named_lines().contains(&id)).await;
    }
    let database = suite.folder.path().join("server1.db");
    assert!(database.exists());
    let wal = suite.folder.path().join("server1.db-wal");
    assert!(suite.interrupt().await.success());
    assert!(!wal.exists(), "a clean stop removes the WAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_ends_when_a_part_of_it_has_ended() {
    let mut suite = Suite::start().await;
    let database = suite.folder.path().join("server1.db");
    std::fs::remove_file(&database).expect("somebody wants to start afresh");
    let ended = tokio::time::timeout(crate::harness::TEST_TIMEOUT, suite.child.wait()).await;
    assert_eq!(ended.expect("it ends").expect("it was running").code(), Some(2));
    let errors = std::fs::read_to_string(suite.folder.path().join("errors")).expect("a file");
    assert!(errors.contains("server1 has ended"), "{errors}");
    assert!(database.exists(), "what it held is saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_loopback_the_servidores_are_open_to_programs_and_elsewhere_they_ask_for_a_token() {
    let suite = Suite::start().await;
    assert!(suite.screen().contains("programs on this machine need no token"));
    let http = reqwest::Client::new();
    let list = |suite: &Suite| http.get(format!("http://127.0.0.1:{}/reservas", suite.ports[2]));
    let status = async |request: reqwest::RequestBuilder| {
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status(list(&suite)).await, 200);
    let page = list(&suite).header("origin", "http://evil.example");
    assert_eq!(status(page).await, 403);
    let (folder, ended) = suite.end().await;
    assert!(ended.success());

    let suite = Suite::start_with(folder, &["--bind", "0.0.0.0"], &[]).await;
    let file = suite.folder.path().join("server1.db.token");
    let screen = suite.screen();
    assert!(screen.contains(&file.display().to_string()), "{screen}");
    assert!(screen.contains("The broker asks for no login"), "{screen}");
    assert_eq!(status(list(&suite)).await, 401);
    let token = std::fs::read_to_string(file).expect("its file");
    assert!(!screen.contains(token.trim()), "{screen}");
    assert_eq!(status(list(&suite).bearer_auth(token.trim())).await, 200);
    assert!(suite.interrupt().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_reservas_come_from_the_environment() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = command(free_ports(), folder.path());
    let ended = wrong.env("RESERVA_TOLERANCIA_MIN", "banana").output().await.expect("it starts");
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&ended.stderr).trim(),
        "RESERVA_TOLERANCIA_MIN is \"banana\"; it should be a number of minutes from 0 to 1440, \
         0 to wait until the end"
    );
    let suite = Suite::start_with(folder, &[], &[("RESERVAS_POR_CARRO", "1")]).await;
    let url = format!("http://127.0.0.1:{}/reservar", suite.ports[4]);
    for (posto_id, status) in [(5, 200), (6, 409)] {
        let body = payload("ABC1234", posto_id);
        let answer = reqwest::Client::new().post(&url).json(&body).send().await;
        assert_eq!(answer.expect("an answer").status(), status);
    }
    assert!(suite.interrupt().await.success());
}

/// As a release left it that had no sample postos.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_whose_databases_never_had_postos_gets_the_sample_postos() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("server1.db");
    std::fs::create_dir(folder.path().join("server1")).expect("a folder");
    let csv = folder.path().join("server1/postos.csv");
    std::fs::write(&csv, "id,nome,latitude,longitude,status\n").expect("a file without postos");
    let (folder, ended) = Suite::start_on(folder).await.end().await;
    assert!(ended.success() && empty.exists());
    std::fs::remove_file(csv).expect("it is removed");
    let suite = Suite::start_on(folder).await;
    let list = format!("http://127.0.0.1:{}/postos?server_id=server1", suite.ports[4]);
    let listed: Value = reqwest::get(list).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(listed["postos"].as_array().map(Vec::len), Some(120));
    assert!(suite.interrupt().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_one_call_a_minute_is_left_to_the_caller() {
    let folder = tempfile::tempdir().expect("a folder");
    let suite = Suite::start_with(folder, &[], &[("LIMITE_POR_MINUTO", "1")]).await;
    assert!(suite.screen().contains("\"posto_id\": 5"), "{}", suite.screen());
    let list = format!("http://127.0.0.1:{}/postos?server_id=server1", suite.ports[4]);
    let [first, second] = [reqwest::get(&list).await, reqwest::get(&list).await];
    let status = |answer: reqwest::Result<reqwest::Response>| answer.expect("an answer").status();
    assert_eq!([status(first), status(second)].map(|status| status.as_u16()), [200, 429]);
    assert!(suite.interrupt().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_shows_a_posto_that_is_free() {
    let suite = Suite::start().await;
    let url = format!("http://127.0.0.1:{}/reservar", suite.ports[4]);
    let request = reqwest::Client::new().post(url).json(&payload("ABC1234", 5));
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let (folder, ended) = suite.end().await;
    assert!(ended.success());
    let suite = Suite::start_on(folder).await;
    assert!(suite.screen().contains("\"posto_id\": 1,"), "{}", suite.screen());
    assert!(suite.interrupt().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_reported_in_one_line_that_names_port_and_part() {
    let folder = tempfile::tempdir().expect("a folder");
    for (taken, above, part, flag) in [
        (0, 0, "the broker", "--broker-ports"),
        (1, 0, "the broker", "--broker-ports"),
        (3, 0, "server2", "--server-ports"),
        (4, 0, "cliente1", "--client-ports"),
        (2, 2000, "server1", "--server-ports"),
        (5, 2000, "cliente2", "--client-ports"),
    ] {
        let ports = free_ports();
        let port = ports[taken] + above;
        let _other = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port");
        let ended = command(ports, folder.path()).output().await.expect("it starts");
        let stderr = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        assert_eq!(ended.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        for word in [part, flag, &port.to_string()] {
            assert!(stderr.contains(word), "{word} is not in: {stderr}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_program_of_the_process_exports_its_spans_under_its_own_name() {
    let collector = Collector::start(Health::Well).await;
    let endpoint = collector.endpoint();
    let set = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "50")];
    let suite = Suite::start_with(tempfile::tempdir().expect("a folder"), &[], &set).await;
    for (gateway, server_id) in [(suite.ports[4], "server1"), (suite.ports[5], "server2")] {
        let list = format!("http://127.0.0.1:{gateway}/postos?server_id={server_id}");
        assert_eq!(reqwest::get(list).await.expect("an answer").status(), 200);
    }
    eventually("all four export", async || {
        let spans = collector.spans();
        PROGRAMS.iter().all(|(service, _, id)| {
            spans.iter().any(|span| span.program() == (&format!("postos-{service}"), id))
        })
    })
    .await;
    // Both kinds of program answer this call; the start asks a servidor which posto is free.
    for span in collector.spans().into_iter().filter(|span| span.name != "GET /postos") {
        let is_servidors = span.name == "process postos/request" || span.name.ends_with("response");
        let is_gateways = span.name.starts_with("receive") || !is_servidors;
        let service = if is_gateways { "postos-client" } else { "postos-server" };
        assert_eq!(span.program().0, service, "{span:?}");
    }
    assert!(suite.interrupt().await.success());
}
