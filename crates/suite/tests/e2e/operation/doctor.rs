//! `server doctor` and `client doctor` beside the real programs and brokers: each test breaks one
//! thing, and reads what to do about it. What needs no broker is tested with each program.

use serde_json::{Value, json};

use crate::harness::{
    BrokerAccess, PlainClient, Program, Role, World, eventually, login, run_subcommand,
};

/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:1025";

/// On a broker that asks nobody for a name: with one, the bus is not looked at while a program runs.
async fn nameless_world() -> World {
    match BrokerAccess::from_environment() {
        BrokerAccess::Anonymous => World::new().await,
        BrokerAccess::Logins | BrokerAccess::Tls => {
            World::on_mosquitto_with_access(BrokerAccess::Anonymous, "").await
        }
    }
}

/// A program that is looked at.
struct Patient<'a> {
    world: &'a World,
    program: &'static str,
    id: (&'static str, &'static str),
}

impl<'a> Patient<'a> {
    fn server(world: &'a World) -> Self {
        Self { world, program: "server", id: ("SERVER_ID", "server1") }
    }

    fn client(world: &'a World) -> Self {
        Self { world, program: "client", id: ("MQTT_CLIENT_ID", "cliente1") }
    }

    /// Beside the program, or where it does not run.
    async fn look(&self, running: Option<&Program>) -> Said {
        self.look_with(running, &[]).await
    }

    async fn look_with(&self, running: Option<&Program>, set: &[(&str, &str)]) -> Said {
        let port = self.world.broker.port().to_string();
        let url = running.map_or(NOWHERE.to_owned(), |program| program.url(""));
        let addr = url.trim_start_matches("http://");
        let login = login(self.world, &[self.id]).await;
        let login = login.iter().map(|(name, value)| (*name, value.as_str()));
        let fixed =
            [self.id, ("HTTP_ADDR", addr), ("MQTT_BROKER", "127.0.0.1"), ("MQTT_PORT", &port)];
        let set = fixed.into_iter().chain(login).chain(set.iter().copied());
        let folder = self.world.folder();
        let output = run_subcommand(self.program, folder, &["doctor", "--json"], set).await;
        let report = serde_json::from_slice(&output.stdout);
        let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
        Said { status: output.status.code(), report }
    }
}

/// What it said, and its exit code.
struct Said {
    status: Option<i32>,
    report: Value,
}

impl Said {
    fn checks(&self) -> impl Iterator<Item = &Value> {
        self.report["checks"].as_array().expect("checks").iter()
    }

    fn finds(&self, group: &str, name: &str, verdict: &str, found: &str, remedy: &str) -> bool {
        let text =
            |check: &Value, field: &str| check[field].as_str().unwrap_or_default().to_owned();
        let is_it = |check: &&Value| {
            check["group"] == group
                && check["name"] == name
                && check["verdict"] == verdict
                && text(check, "found").contains(found)
                && text(check, "remedy").contains(remedy)
        };
        self.checks().any(|check| is_it(&check))
    }

    fn has(&self, group: &str, name: &str, verdict: &str, found: &str, remedy: &str) {
        assert!(
            self.finds(group, name, verdict, found, remedy),
            "{name}: {found:?}, {remedy:?} is not in {:#}",
            self.report
        );
    }

    /// What is not well.
    fn complaints(&self) -> Vec<&Value> {
        self.checks().filter(|check| check["verdict"] != "ok").collect()
    }

    fn is_well(&self) {
        assert!(self.complaints().is_empty(), "{:#?}", self.complaints());
        assert_eq!(self.status, Some(0));
    }
}

/// Lines of the log that an operator would look at.
fn problems(program: &Program) -> Vec<Value> {
    let lines = program.log_lines().into_iter();
    lines.filter(|line| ["WARN", "ERROR"].iter().any(|level| line["level"] == *level)).collect()
}

fn connections(program: &Program) -> usize {
    program.log_lines().iter().filter(|line| line["message"] == "connected").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_well_are_said_to_be_and_do_not_notice() {
    let world = nameless_world().await;
    let (server, client) = world.pair().await;
    let mut events = client.listen("/eventos").await;
    events.next_named("estado").await;
    let of_server = [Patient::server(&world).id];
    let copied = run_subcommand("server", world.folder(), &["backup", "b.db"], of_server).await;
    assert!(copied.status.success(), "{copied:?}");
    for _ in 0..2 {
        Patient::server(&world).look(Some(&server)).await.is_well();
        let said = Patient::client(&world).look(Some(&client)).await;
        said.has("bus", "answers", "ok", "server1 answers GET /postos in ", "");
        said.is_well();
    }
    // The next event is of what happens now, and not of what was tried.
    let body = json!({"disponivel": false});
    let changed = server.put("/postos/3/disponibilidade", &body).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let next = events.next().await.expect("an event");
    assert_eq!((next.name.as_str(), &next.data["posto_id"]), ("posto", &json!(3)), "{next:?}");
    for program in [&server, &client] {
        assert_eq!((problems(program), connections(program)), (vec![], 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_gone_is_named_by_both() {
    let mut world = World::new().await;
    let (server, client) = world.pair().await;
    world.broker.kill().await;
    for (patient, program) in
        [(Patient::server(&world), &server), (Patient::client(&world), &client)]
    {
        eventually("it is missed", async || program.get("/readyz").await.status == 503).await;
        let said = patient.look(Some(program)).await;
        assert_eq!(said.status, Some(1));
        said.has("broker", "reached", "failure", "cannot be reached", "MQTT_BROKER and MQTT_PORT");
        said.has("program", "ready", "failure", "answers 503", "broker MQTT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_presences_say_is_named_with_its_remedy() {
    let world = nameless_world().await;
    let (server, client) = world.pair().await;
    let operator = PlainClient::subscribe(&world, "operator", &[]).await;
    let presence = |id: &str, status: &str, versao: &str, desde: &str| json!({"server_id": id, "status": status, "desde": desde, "versao": versao});
    for (id, status, versao, desde) in [
        ("gone", "offline", "0.1.0", "2026-01-01T00:00:00.000Z"),
        ("old", "online", "0.0.9", "2026-01-01T00:00:00.000Z"),
        ("ahead", "online", env!("CARGO_PKG_VERSION"), "2200-01-01T00:00:00.000Z"),
    ] {
        let payload = presence(id, status, versao, desde);
        operator.publish_retained(&format!("server/{id}/status"), payload).await;
        client.sees(id, status).await;
    }
    let server = Patient::server(&world).look(Some(&server)).await;
    let client = Patient::client(&world).look(Some(&client)).await;
    for said in [&server, &client] {
        said.has("bus", "servidores", "warning", "gone is offline", "-t server/gone/status");
        said.has("bus", "versions", "warning", "old is 0.0.9", "docs/upgrading.md");
        said.has("bus", "clocks", "failure", "ahead is online since 2200-", "timedatectl");
        assert_eq!(said.status, Some(1));
    }
    client.has("bus", "answers", "failure", "old", "server doctor");
    client.has("bus", "answers", "ok", "server1 answers", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servidor_that_stands_still_is_named_by_its_gateway() {
    let world = World::new().await;
    let server = world.server("server1").await;
    let client = world.client_with("cliente1", &[("TEMPO_LIMITE_POSTOS", "2")]).await;
    client.sees("server1", "online").await;
    server.freeze();
    let said = Patient::client(&world).look(Some(&client)).await;
    said.has(
        "bus",
        "answers",
        "failure",
        "GET /postos of server1 is answered 504",
        "the log of server1",
    );
    let itself = Patient::server(&world).look(Some(&server)).await;
    itself.has(
        "program",
        "running",
        "failure",
        "does not answer GET /status",
        "restart the program",
    );
    itself.has("program", "database", "warning", "has the database open", "its HTTP_ADDR");
    server.thaw();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_with_the_same_id_is_named() {
    let world = nameless_world().await;
    let server = world.server("server1").await;
    let elsewhere = [("DATABASE_URL", "sqlite:///elsewhere.db")];
    let said = Patient::server(&world).look_with(None, &elsewhere).await;
    said.has(
        "bus",
        "one id",
        "failure",
        "server1 does not run here, and is online",
        "a SERVER_ID of its own",
    );
    assert_eq!(said.status, Some(1));
    assert!(server.stop().await.success());
    let said = Patient::server(&world).look_with(None, &elsewhere).await;
    said.has("bus", "one id", "ok", "no other program is seen", "");

    let (one, other) = tokio::join!(world.client("cliente1"), world.client("cliente1"));
    let mut taken = None;
    eventually("one of them waits", async || {
        for program in [&one, &other] {
            let answer = program.get("/readyz").await.json;
            let mensagem = answer["mensagem"].as_str().unwrap_or_default();
            if mensagem.contains("another program uses this MQTT id") {
                taken = Some(program);
            }
        }
        taken.is_some()
    })
    .await;
    let said = Patient::client(&world).look(taken).await;
    said.has("program", "ready", "failure", "answers 503", "give every program an id of its own");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a mosquitto binary; CI runs it"]
async fn programs_with_names_are_not_put_out_and_their_rights_are_tried_while_they_are_away() {
    for access in [BrokerAccess::Logins, BrokerAccess::Tls] {
        let world = World::on_mosquitto_with_access(access, "").await;
        let (server, client) = world.pair().await;
        for (patient, program) in
            [(Patient::server(&world), &server), (Patient::client(&world), &client)]
        {
            let said = patient.look(Some(program)).await;
            said.has("broker", "login", "unchecked", "because the program runs", "GET /readyz");
            // Of a servidor, the broker is not listened to, and there is no backup.
            let expected = ["login", "secret files", "servidores", "backup"];
            let complaints = said.complaints();
            let others: Vec<_> = complaints
                .iter()
                .filter(|one| !expected.iter().any(|name| one["name"] == *name))
                .collect();
            assert!(others.is_empty() && said.status == Some(0), "{others:#?}");
            assert_eq!((problems(program), connections(program)), (vec![], 1));
            if access == BrokerAccess::Tls {
                said.has("broker", "certificates", "ok", "the broker's certificate is valid", "");
                said.has("login", "certificates", "ok", "(MQTT_CA_FILE) is valid until", "");
            }
        }
        assert!(server.stop().await.success() && client.stop().await.success());
        for patient in [Patient::server(&world), Patient::client(&world)] {
            rights_are_tried(&patient).await;
        }
    }
}

/// Of a program that does not run.
async fn rights_are_tried(patient: &Patient<'_>) {
    let logins = patient.world.logins();
    let (role, prefix) = match patient.program {
        "server" => (Role::Servidor, "client/"),
        _ => (Role::Gateway, "server/postos/request"),
    };
    let said = patient.look(None).await;
    // The session of a program that has just ended is that of its name.
    said.has("broker", "subscriptions", "unchecked", "keeps the session", "once it runs");
    said.has("broker", "publishing", "ok", "the broker takes it on all", "");
    let login = logins.login(role, patient.id.1).await;
    logins.forbid(&login.user, prefix);
    let mut said = patient.look(None).await;
    // The broker reads its lists again in its own time.
    for _ in 0..20 {
        if said.finds("broker", "publishing", "failure", prefix, "") {
            break;
        }
        said = patient.look(None).await;
    }
    said.has("broker", "publishing", "failure", prefix, "docs/security.md has the table");
    said.has("broker", "publishing", "failure", "not authorized (0x87)", "usuario recarregar");
    let wrong = [("MQTT_PASSWORD_FILE", ""), ("MQTT_PASSWORD", "s3cret")];
    let said = patient.look_with(None, &wrong).await;
    let who = format!("the user is {:?}; check MQTT_USERNAME and MQTT_PASSWORD", login.user);
    said.has("broker", "login", "failure", "does not let this program in", &who);
    assert!(!said.report.to_string().contains("s3cret"), "{:#}", said.report);
}
