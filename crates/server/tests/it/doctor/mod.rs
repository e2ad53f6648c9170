//! `server doctor`: each test breaks one thing, and reads what to do about it. Without a broker; with
//! one it is tested in the suite.

mod database;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command_line::{NOWHERE, ended, program};
use crate::running::{Home, Running};

/// What it said, and its exit code.
struct Said {
    status: Option<i32>,
    report: Value,
}

impl Said {
    /// The worst check of this name: verdict, what was found, and the remedy.
    fn check(&self, group: &str, name: &str) -> (&str, &str, &str) {
        let checks = self.report["checks"].as_array().expect("checks");
        let named = checks.iter().filter(|one| one["group"] == group && one["name"] == name);
        let text =
            |check: &'_ Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
        let severity = |check: &&Value| {
            let order = ["ok", "unchecked", "warning", "failure"];
            order.iter().position(|verdict| text(check, "verdict") == *verdict)
        };
        let worst =
            named.max_by_key(severity).unwrap_or_else(|| panic!("no {name} in {checks:#?}"));
        let text = |field: &str| worst[field].as_str().unwrap_or_default();
        (text("verdict"), text("found"), text("remedy"))
    }

    fn assert(&self, group: &str, name: &str, verdict: &str, found: &str, remedy: &str) {
        let check = self.check(group, name);
        assert_eq!(check.0, verdict, "{check:?}");
        assert!(check.1.contains(found), "{found:?} is not in {check:?}");
        assert!(check.2.contains(remedy), "{remedy:?} is not in {check:?}");
    }
}

async fn asked(mut command: Command, arguments: &[&str]) -> Said {
    command.args(["doctor", "--json"]).args(arguments);
    let (status, printed, reason) = ended(command).await;
    let report = serde_json::from_str(&printed);
    Said { status, report: report.unwrap_or_else(|error| panic!("{error}: {printed}{reason}")) }
}

async fn doctor(home: &Home, set: &[(&str, &str)]) -> Said {
    let mut command = program(home, NOWHERE);
    command.envs(set.iter().copied());
    asked(command, &[]).await
}

/// A servidor that has run and was stopped.
async fn stopped() -> Home {
    Running::fresh().await.stop().await
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_all_named_and_nothing_else_is_looked_at() {
    let home = Home::new();
    let mut command = program(&home, NOWHERE);
    command.env("MQTT_PORT", "abc").env("RETENCAO_DIAS", "-1").env("SERVER_IDD", "x").arg("doctor");
    let (status, printed, _) = ended(command).await;
    assert_eq!(status, Some(2), "{printed}");
    for part in [
        "FAILURE  variables: MQTT_PORT is \"abc\"; it should be a port number from 1 to 65535",
        "FAILURE  variables: RETENCAO_DIAS is \"-1\"; it should be a number of days",
        "-> correct RETENCAO_DIAS where the program gets its environment",
        "warning  variables: SERVER_IDD is set, which is no setting",
        "-> if SERVER_ID is meant, call it so",
        "2 failures, 1 warning; with wrong settings nothing else is looked at",
    ] {
        assert!(printed.contains(part), "{part:?} is not in {printed}");
    }
    assert!(!printed.contains("broker\n"), "{printed}");
    let (status, _, reason) = ended({
        let mut command = program(&home, NOWHERE);
        command.args(["doctor", "--tudo"]);
        command
    })
    .await;
    assert!(status == Some(2) && reason.contains("--tudo"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_servidor_is_well_but_for_its_broker_and_nothing_is_changed() {
    let home = stopped().await;
    let state = || {
        let files = fs::read_dir(home.database().parent().expect("a folder")).expect("a folder");
        let mut files: Vec<_> = files
            .map(|file| file.expect("a file").path())
            .map(|path| {
                (fs::metadata(&path).expect("a file").ctime_nsec(), fs::read(&path).ok(), path)
            })
            .collect();
        files.sort();
        files
    };
    let before = state();
    let said = doctor(&home, &[]).await;
    assert_eq!(state(), before, "it changed a file");
    assert_eq!(said.status, Some(1));
    said.assert("broker", "reached", "failure", "localhost:1 cannot be reached", "MQTT_PORT");
    said.assert("program", "running", "warning", "nothing listens at", "HTTP_ADDR");
    for (group, name) in
        [("database", "schema"), ("database", "integrity"), ("clock", "clock"), ("access", "token")]
    {
        assert_eq!(said.check(group, name).0, "ok");
    }
    assert_eq!(said.report["id"], "server1");
    let complete = asked(program(&home, NOWHERE), &["--completo"]).await;
    assert_eq!(complete.check("database", "promises").0, "ok");
    assert_eq!(state(), before, "it changed a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_that_runs_is_asked_and_one_that_is_not_found_is_named() {
    let server = Running::fresh().await;
    let said = asked(program(server.home(), &server.addr.to_string()), &[]).await;
    let here = format!("server1 answers at {}", server.addr);
    said.assert("program", "running", "ok", &here, "");
    said.assert("program", "ready", "failure", "GET /readyz answers 503", "broker MQTT");
    assert_eq!(said.check("program", "version").0, "ok");
    said.assert("program", "started", "ok", &format!("process {} runs", std::process::id()), "");
    assert_eq!(said.check("database", "journal").0, "ok");

    let elsewhere = doctor(server.home(), &[]).await;
    let held = format!("process {} ({}) has the database open", std::process::id(), own_name());
    elsewhere.assert("program", "database", "warning", &held, "give this command its HTTP_ADDR");
    let mut wrong = program(server.home(), &server.addr.to_string());
    wrong.env("DATABASE_URL", "sqlite:///none.db");
    let wrong = asked(wrong, &[]).await;
    wrong.assert("program", "database", "failure", "has not opened none.db", "DATABASE_URL");
    let mut other = program(server.home(), &server.addr.to_string());
    other.env("SERVER_ID", "server2").env("DATABASE_URL", "sqlite:///none.db");
    let other = asked(other, &[]).await;
    other.assert(
        "program",
        "running",
        "failure",
        "is not server2: it answers \"server1\"",
        "HTTP_ADDR",
    );
    server.stop().await;
}

/// As the kernel names this process.
fn own_name() -> String {
    let name = fs::read_to_string("/proc/self/comm").expect("it has one");
    name.trim_end().to_owned()
}

/// As Litestream reads the database of a servidor that is stopped.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_reads_the_database_is_named_and_is_no_servidor() {
    let home = stopped().await;
    let reader = rusqlite::Connection::open(home.database()).expect("the database");
    reader.query_row("SELECT count(*) FROM postos", [], |_| Ok(())).expect("it is read");
    // The file of a name that the servidor logs in with.
    let secret = home.path().join("password");
    fs::write(&secret, "s3cret").expect("a file");
    let broker = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = broker.local_addr().expect("an address").port().to_string();
    let set = [
        ("MQTT_PORT", &*port),
        ("MQTT_USERNAME", "servidor.server1"),
        ("MQTT_PASSWORD_FILE", secret.to_str().expect("a path")),
    ];
    let said = doctor(&home, &set).await;
    let held = format!("({}) has the database open", own_name());
    said.assert("program", "database", "warning", &held, "keeps no servidor from starting");
    said.assert("broker", "login", "unchecked", "because the program may run", "stop it");
    said.assert("bus", "servidores", "unchecked", "was not listened to", "the lines of `broker`");
    assert_eq!(said.status, Some(0), "nothing of that is wrong: {:#}", said.report);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_operator_is_looked_at() {
    let home = stopped().await;
    mode(&home.token_file(), 0o644);
    let said = doctor(&home, &[]).await;
    said.assert(
        "access",
        "secret files",
        "warning",
        "every user of this machine can use",
        "chmod o= ",
    );
    let first = fs::read(home.token_file()).expect("a token");
    fs::write(home.token_file(), "posto_another_token_of_nobody").expect("a file");
    let said = doctor(&home, &[]).await;
    said.assert("access", "token", "warning", "is not in the database", "the next start");
    // As it says: the start enters it.
    let home = home.start().await.expect("it starts").stop().await;
    doctor(&home, &[]).await.assert("access", "token", "ok", "has it", "");
    fs::write(home.token_file(), first).expect("a file");
    let said = doctor(&home, &[]).await;
    said.assert("access", "token", "warning", "was revoked", "server token --renovar");
    fs::remove_file(home.token_file()).expect("it was there");
    let said = doctor(&home, &[]).await;
    said.assert("access", "token", "warning", "cannot be read", "server token --renovar");
    let own = home.path().join("own");
    fs::write(&own, "short").expect("a file");
    let said = doctor(&home, &[("ADMIN_TOKEN_FILE", own.to_str().expect("a path"))]).await;
    said.assert("access", "token", "failure", "a start refuses ADMIN_TOKEN_FILE", "of 16 to 512");
    let said = doctor(&home, &[("ADMIN_ABERTO", "sim"), ("PROXIES_CONFIAVEIS", "0.0.0.0/0")]).await;
    said.assert("access", "token", "warning", "ADMIN_ABERTO=sim", "HTTP_ADDR=127.0.0.1:8000");
    said.assert("access", "proxies", "failure", "names every address", "reverse proxies alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_everybody_can_read_is_named() {
    let home = stopped().await;
    let folder = home.path().join("data");
    let made = [&folder, &home.database()]
        .map(|path| fs::metadata(path).expect("it is there").mode() & 0o777);
    assert_eq!(made, [0o700, 0o600], "as the first start makes them");
    let said = doctor(&home, &[]).await;
    said.assert("access", "database files", "ok", "not every user", "");
    for (path, of_path) in [(home.path(), 0o755), (&folder, 0o755), (&home.database(), 0o644)] {
        mode(path, of_path);
    }
    let said = doctor(&home, &[]).await;
    let remedy = format!("chmod o= {}", home.database().display());
    said.assert("access", "database files", "warning", "every user of this machine", &remedy);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_logs_in_with_is_looked_at() {
    let home = stopped().await;
    let secret = home.path().join("password");
    fs::write(&secret, "s3cret").expect("a file");
    mode(&secret, 0o644);
    let path = secret.to_str().expect("a path");
    let user = |name| [("MQTT_USERNAME", name), ("MQTT_PASSWORD_FILE", path)];
    let said = doctor(&home, &user("servidor.server1")).await;
    said.assert("login", "secret files", "warning", "every user of this machine", "chmod o= ");
    assert!(!said.report.to_string().contains("s3cret"), "{}", said.report);
    let said = doctor(&home, &user("servidor.server3")).await;
    let found = "and SERVER_ID of this servidor is \"server1\"";
    said.assert("login", "user", "warning", found, "usuario novo servidor server1 adds");
    fs::write(&secret, "").expect("a file");
    let said = doctor(&home, &user("servidor.server1")).await;
    said.assert("login", "login files", "failure", "cannot be used", "MQTT_PASSWORD_FILE names");
    let said = doctor(&home, &[("MQTT_CA_FILE", path)]).await;
    said.assert("login", "login files", "failure", "cannot be used", "MQTT_CA_FILE names");
}

/// Everything is there, and nothing answers.
#[tokio::test(flavor = "multi_thread")]
async fn it_ends_in_time_whatever_is_away() {
    let home = stopped().await;
    let silent = ["127.0.0.1:0"; 2].map(|addr| std::net::TcpListener::bind(addr).expect("a port"));
    let [http, broker] = silent.each_ref().map(|one| one.local_addr().expect("an address"));
    let mut command = program(&home, &http.to_string());
    command.env("MQTT_PORT", broker.port().to_string());
    let begun = Instant::now();
    let said = asked(command, &[]).await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    said.assert(
        "program",
        "running",
        "failure",
        "does not answer GET /status",
        "restart the program",
    );
    said.assert(
        "broker",
        "login",
        "failure",
        "does not let this program in",
        "does not answer CONNECT",
    );
}

/// To open a FIFO hangs, as to read a disk that does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_hangs_is_named_and_what_it_holds_is_not_said_to_be_well() {
    let home = stopped().await;
    let fifo = |suffix: &str| {
        let path = format!("{}{suffix}", home.database().display());
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
        path
    };
    let begun = Instant::now();
    fifo(".token");
    let said = doctor(&home, &[]).await;
    said.assert("access", "token", "failure", "does not answer", "dmesg");
    assert_eq!(said.check("database", "schema").0, "ok");
    let last_backup = fifo(".ultimo-backup");
    let said = doctor(&home, &[]).await;
    said.assert("disk", "disk", "failure", "does not answer", "dmesg");
    said.assert(
        "program",
        "database",
        "unchecked",
        "who has the database open",
        "its disk answers",
    );
    said.assert("database", "schema", "unchecked", "was read", "the lines of `disk`");
    said.assert("access", "token", "unchecked", "was not read", "the lines of `disk`");
    said.assert("access", "origins", "ok", "CORS_ORIGENS", "");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    fs::remove_file(last_backup).expect("it was there");
}
