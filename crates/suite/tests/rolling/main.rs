//! Programs of two versions on one broker: the last published one, which `crates/suite/previous.sh`
//! builds, and today's, which replaces it program by program under load. A test binary of its own:
//! nothing else needs the programs of before.

#[path = "../harness/mod.rs"]
mod harness;
mod load;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use harness::{
    Answer, PREVIOUS_CLIENT, PREVIOUS_SERVER, Program, World, eventually, free_port, run_subcommand,
};
use load::{HOUR, LIMIT, Load, POSTOS, SERVERS};

const CLIENTS: [&str; 2] = ["cliente1", "cliente2"];
const DRIVERS: u64 = 12;
/// How long each state of the system is used.
const STEP: Duration = Duration::from_millis(2_500);

/// A program at its address, of one version or the other.
struct Node {
    id: &'static str,
    addr: String,
    running: Program,
}

const SETTINGS: [(&str, &str); 3] =
    [("TEMPO_LIMITE_RESERVA", "4"), ("TEMPO_LIMITE_POSTOS", "3"), ("ADMIN_ABERTO", "sim")];

async fn started(world: &World, program: &str, id: &'static str, addr: &str) -> Program {
    let name = if SERVERS.contains(&id) { "SERVER_ID" } else { "MQTT_CLIENT_ID" };
    let mut set = vec![(name, id), ("HTTP_ADDR", addr)];
    set.extend_from_slice(&SETTINGS);
    let started = Program::start(program, world, &set).await;
    started.ready().await;
    started
}

impl Node {
    async fn previous(world: &World, id: &'static str) -> Self {
        let addr = format!("127.0.0.1:{}", free_port());
        let program = if SERVERS.contains(&id) { PREVIOUS_SERVER } else { PREVIOUS_CLIENT };
        let running = started(world, program, id, &addr).await;
        Self { id, addr, running }
    }

    /// Stops the previous version and starts today's, as an operator does.
    async fn upgrade(self, world: &World) -> Self {
        let Self { id, addr, running } = self;
        assert!(running.stop().await.success(), "{id}");
        let program = if SERVERS.contains(&id) { "server" } else { "client" };
        let running = started(world, program, id, &addr).await;
        Self { id, addr, running }
    }

    /// Whether its version has this route.
    async fn has(&self, route: &str) -> bool {
        let document = self.running.get("/openapi.json").await.json;
        document["paths"].as_object().expect("paths").contains_key(route)
    }
}

/// Upgrades all programs in this order, under load.
async fn upgrade_all(order: [&'static str; 4]) -> (World, Vec<Node>, Arc<Load>) {
    let world = World::new().await;
    let mut nodes = Vec::new();
    for id in SERVERS.iter().chain(&CLIENTS) {
        world.seed_postos(id, POSTOS as usize);
        nodes.push(Node::previous(&world, id).await);
    }
    for gateway in &nodes[2..] {
        for server_id in SERVERS {
            gateway.running.sees(server_id, "online").await;
        }
    }
    let load = Arc::new(Load {
        gateways: nodes[2..].iter().map(|node| format!("http://{}", node.addr)).collect(),
        requests: Mutex::default(),
        wrong: Mutex::default(),
        begin: (service::now().as_millis() / 1000 / HOUR + 24) * HOUR,
        stop: CancellationToken::new(),
    });
    let mut drivers = JoinSet::new();
    for number in 0..DRIVERS {
        let load = Arc::clone(&load);
        drivers.spawn(async move { load.drive(number).await });
    }
    tokio::time::sleep(STEP).await;
    for id in order {
        let place = nodes.iter().position(|node| node.id == id).expect("a program");
        let node = nodes.remove(place).upgrade(&world).await;
        nodes.insert(place, node);
        unknown_calls(&nodes).await;
        tokio::time::sleep(STEP).await;
    }
    load.stop.cancel();
    while let Some(driver) = drivers.join_next().await {
        driver.expect("no driver panicked");
    }
    (world, nodes, load)
}

/// Nothing was lost, booked twice or answered too late, and repeats get their first answers.
async fn check(world: World, nodes: Vec<Node>, load: &Load) {
    let requests = std::mem::take(&mut *load.requests.lock().expect("nobody panicked"));
    let made = requests.iter().filter(|request| request.answer["status"] == "sucesso").count();
    assert!(made > 50 && requests.len() > made, "{made} of {} succeeded", requests.len());
    let (http, mut random) = (reqwest::Client::new(), Rng::with_seed(1));
    for request in requests.iter().step_by(3) {
        let again = load.reserve(&http, &mut random, &request.key, &request.body).await;
        for field in ["status", "codigo", "mensagem", "request_id"] {
            assert_eq!(again[field], request.answer[field], "{again} after {}", request.answer);
        }
        for field in ["id", "posto_id", "placa", "inicio", "fim"] {
            assert_eq!(again["reserva"][field], request.answer["reserva"][field], "{again}");
        }
    }
    assert_eq!(*load.wrong.lock().expect("nobody panicked"), Vec::<String>::new());
    for node in nodes {
        assert!(node.running.stop().await.success(), "{}", node.id);
    }
    for server_id in SERVERS {
        let database = Connection::open(world.database(server_id)).expect("a database");
        let mut rows = stored(&database);
        for request in requests.iter().filter(|request| request.server_id == server_id) {
            let row = rows.remove(request.answer["request_id"].as_str().expect("an id"));
            let expected = request.answer["reserva"]["id"].as_i64().map(|id| {
                let status = if request.is_cancelled { "cancelada" } else { "ativa" };
                (id, status.to_owned())
            });
            assert_eq!(row, expected, "{}: {}", request.body, request.answer);
        }
        assert!(rows.is_empty(), "nobody has asked for {rows:?}");
        let twice = "SELECT count(*) FROM reservas a JOIN reservas b ON a.posto_id = b.posto_id
            AND a.id < b.id AND a.inicio < b.fim AND b.inicio < a.fim
            WHERE a.status = 'ativa' AND b.status = 'ativa'";
        let twice: i64 = database.query_row(twice, [], |row| row.get(0)).expect("a count");
        assert_eq!(twice, 0, "{server_id}: a posto is held twice");
    }
}

/// Whether a gateway joins commands to all servidores, each time that it has changed. None is joined
/// while a servidor of before is left.
fn joins(gateway: &Node) -> Vec<bool> {
    let lines = gateway.running.log_lines();
    let messages = lines.iter().filter_map(|line| line["message"].as_str());
    let said = messages.filter_map(|message| message.strip_prefix("commands to all servidores "));
    let mut joins: Vec<_> = said.map(|said| said == "may be joined").collect();
    joins.dedup();
    joins
}

/// The reservas by their request.
fn stored(database: &Connection) -> HashMap<String, (i64, String)> {
    let mut query =
        database.prepare("SELECT request_id, id, status FROM reservas").expect("a query");
    let rows = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
    rows.expect("rows").collect::<Result<_, _>>().expect("rows")
}

/// What only today's version knows is refused by the gateway of before, and answered 504 by that of
/// today as long as the servidor is the one of before (docs/upgrading.md).
async fn unknown_calls(nodes: &[Node]) {
    let (servers, gateways) = nodes.split_at(SERVERS.len());
    let pairs = gateways.iter().flat_map(|gateway| servers.iter().map(move |one| (gateway, one)));
    join_all(pairs.map(|(gateway, server)| unknown_call(gateway, server))).await;
}

async fn unknown_call(gateway: &Node, server: &Node) {
    let body = json!({"placa": "ABC1234", "modelo": "BYD", "capacidade_bateria": 44.5,
        "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19, "posto_id": 1, "server_id": server.id});
    let url = format!("http://{}/estimativa", gateway.addr);
    let begun = Instant::now();
    let answer = Answer::of(reqwest::Client::new().post(url).json(&body)).await;
    let took = begun.elapsed();
    let is_new = (gateway.has("/estimativa").await, server.has("/carregamentos").await);
    let expected = match is_new {
        (false, _) => (404, "rota_inexistente"),
        (true, false) => (504, "tempo_esgotado"),
        (true, true) => (200, ""),
    };
    let shown = format!("{} of {}, {} ms: {answer:?}", gateway.id, server.id, took.as_millis());
    assert!(answer.verdict() == expected && took < LIMIT, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the last published version: crates/suite/previous.sh"]
async fn the_previous_version_is_replaced_servidores_first() {
    let (world, nodes, load) = upgrade_all(["server1", "server2", "cliente1", "cliente2"]).await;
    for gateway in &nodes[SERVERS.len()..] {
        assert_eq!(joins(gateway), [true], "{}", gateway.id);
    }
    check(world, nodes, &load).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the last published version: crates/suite/previous.sh"]
async fn the_previous_version_is_replaced_gateways_first() {
    let (world, nodes, load) = upgrade_all(["cliente1", "cliente2", "server1", "server2"]).await;
    for gateway in &nodes[SERVERS.len()..] {
        assert_eq!(joins(gateway), [false, true], "{}", gateway.id);
    }
    check(world, nodes, &load).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the last published version: crates/suite/previous.sh"]
async fn the_previous_version_refuses_the_database_of_todays_with_one_line() {
    let world = World::new().await;
    let server = world.server("server1").await;
    eventually("it is ready", async || server.get("/readyz").await.status == 200).await;
    assert!(server.stop().await.success());
    let database = std::fs::read(world.database("server1")).expect("a file");
    let set = [("SERVER_ID", "server1"), ("HTTP_ADDR", "127.0.0.1:0")];
    let refused = run_subcommand(PREVIOUS_SERVER, world.folder(), &[], set).await;
    let reason = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{reason}");
    assert!(reason.contains("a newer release of the servidor has used it"), "{reason}");
    assert_eq!(reason.lines().count(), 1, "{reason}");
    assert!(std::fs::read(world.database("server1")).expect("a file") == database);
}
