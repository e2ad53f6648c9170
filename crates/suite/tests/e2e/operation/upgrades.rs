//! Databases of released versions, opened by the servidor of today.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::read::GzDecoder;
use protocol::Timestamp;
use serde_json::{Map, Value, json};

use crate::harness::{PlainClient, Program, World};

/// Each released schema.
const SCHEMAS: [u32; 7] = [3, 6, 7, 8, 9, 11, 12];

/// The servidor takes times as far ahead as the fixtures have them.
const SETTINGS: [(&str, &str); 2] =
    [("ADMIN_ABERTO", "sim"), ("RESERVA_ANTECEDENCIA_DIAS", "3650")];
/// It charges, and has reserved.
const CHARGING: &str = "CHA0001";
/// What depends on the time at which it is asked.
const OF_NOW: [&str; 2] = ["timestamp", "disponivel"];
/// What else does, of a reserva that has ended since.
const OF_ITS_END: [&str; 3] = ["status", "desde", "versao"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/fixtures").join(name)
}

fn unpacked(name: &str) -> Vec<u8> {
    let file = std::fs::File::open(fixture(name)).expect(name);
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).expect(name);
    bytes
}

struct Upgraded {
    world: World,
    server: Program,
    app: PlainClient,
    /// What the old servidor had answered and shown.
    before: Value,
}

impl Upgraded {
    /// A servidor of today with the files of an old one that was killed.
    async fn start(schema: u32) -> Self {
        let world = World::new().await;
        world.seed_postos("server1", 1);
        let database = world.database("server1");
        for suffix in ["", "-wal"] {
            let bytes = unpacked(&format!("schema-{schema}.sqlite{suffix}.gz"));
            std::fs::write(format!("{}{suffix}", database.display()), bytes).expect("a file");
        }
        let before = std::fs::read(fixture(&format!("schema-{schema}.json"))).expect("the answers");
        let before = serde_json::from_slice(&before).expect("JSON");
        let server = world.server_with("server1", &SETTINGS).await;
        server.ready().await;
        let app = PlainClient::subscribe(&world, "app1", &["client/app1/#"]).await;
        Self { world, server, app, before }
    }

    async fn reply_to(&mut self, command: &Value) -> Value {
        let text = |name: &str| command[name].as_str().expect("a topic");
        self.app.publish(text("topic"), &command["payload"]).await;
        self.app.next(text("at")).await
    }

    async fn reserve(
        &mut self,
        request_id: &str,
        posto_id: &Value,
        inicio: &Value,
        fim: &Value,
    ) -> Value {
        let payload = json!({"request_id": request_id, "client_id": "app1", "server_id": "server1",
            "carro": {"placa": "NEW0001", "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
                "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19},
            "posto_id": posto_id, "inicio": inicio, "fim": fim});
        let at = "client/app1/postos/reserva/response";
        self.reply_to(&json!({"topic": "server/postos/reserva", "payload": payload, "at": at}))
            .await
    }
}

/// Adds where `new` does not have what `old` had; it may have more.
fn compare(old: &Value, new: &Value, at: &str, lost: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let mut left_out = OF_NOW.to_vec();
            left_out.extend(if has_ended_since(old, new) { &OF_ITS_END[..] } else { &[] });
            // Its sentence was corrected since. A refusal is stored as a fact, not as a text.
            if old.get("codigo") == Some(&json!("reserva_em_uso")) {
                left_out.push("mensagem");
            }
            for (name, value) in old.iter().filter(|(name, _)| !left_out.contains(&name.as_str())) {
                let found = new.get(name).unwrap_or(&Value::Null);
                compare(value, found, &format!("{at}.{name}"), lost);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(old, new, &format!("{at}[{index}]"), lost);
            }
        }
        (Value::Number(old), Value::Number(new)) if old.as_f64() == new.as_f64() => {}
        _ if old == new => {}
        _ => lost.push(format!("{at}: {old} is now {new}")),
    }
}

/// Whether an active reserva is now what it must be: ended by its time, or fulfilled by the session
/// that older releases did not connect with it.
fn has_ended_since(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let ended = |fim: &Value| {
        let fim: Option<Timestamp> = fim.as_str().and_then(|fim| fim.parse().ok());
        fim.is_some_and(|fim| i128::from(fim.as_millis()) < since_1970())
    };
    let expected = match () {
        () if old.get("placa") == Some(&json!(CHARGING)) => "cumprida",
        () if old.get("fim").is_some_and(ended) => "encerrada",
        () => return false,
    };
    old.get("status") == Some(&json!("ativa")) && new.get("status") == Some(&json!(expected))
}

fn since_1970() -> i128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    since.as_millis() as i128
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_old_servidor_showed_is_shown_by_the_one_of_today() {
    for schema in SCHEMAS {
        let upgraded = Upgraded::start(schema).await;
        let mut lost = Vec::new();
        for (path, old) in upgraded.before["shown"].as_object().expect("what was shown") {
            let new = upgraded.server.get(path).await;
            assert_eq!(new.status, 200, "schema {schema}: {path}");
            compare(old, &new.json, path, &mut lost);
        }
        assert_eq!(lost, Vec::<String>::new(), "schema {schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_before_the_upgrade_gets_its_first_answer() {
    for schema in SCHEMAS {
        let mut upgraded = Upgraded::start(schema).await;
        let commands = upgraded.before["commands"].as_array().expect("commands").clone();
        let mut lost = Vec::new();
        for command in &commands {
            let reply = upgraded.reply_to(command).await;
            let at = command["payload"]["request_id"].as_str().expect("an id");
            compare(&command["reply"], &reply, at, &mut lost);
        }
        assert_eq!(lost, Vec::<String>::new(), "schema {schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postos_stay_held_across_an_upgrade_and_ids_go_on() {
    for schema in SCHEMAS {
        let mut upgraded = Upgraded::start(schema).await;
        let shown =
            upgraded.before["shown"]["/reservas"]["reservas"].as_array().expect("reservas").clone();
        let is_held = |reserva: &&Value| {
            let fim = reserva["fim"].as_str().expect("a moment");
            reserva["status"] == "ativa" && fim.starts_with("2035")
        };
        let held: Vec<&Value> = shown.iter().filter(is_held).collect();
        assert!(held.len() >= 3, "schema {schema}: {held:?}");
        for (index, reserva) in held.iter().enumerate() {
            let (posto, inicio, fim) = (&reserva["posto_id"], &reserva["inicio"], &reserva["fim"]);
            let refused = upgraded.reserve(&format!("new-{index}"), posto, inicio, fim).await;
            assert_eq!(refused["codigo"], "posto_reservado", "schema {schema}: {reserva}");
        }
        let (inicio, fim) = (json!("2035-03-01T12:00:00Z"), json!("2035-03-02T12:00:00Z"));
        let made = upgraded.reserve("new", &json!(5), &inicio, &fim).await;
        assert_eq!(made["status"], "sucesso", "schema {schema}: {made}");
        let newest = shown.iter().filter_map(|reserva| reserva["id"].as_i64()).max();
        assert!(made["reserva"]["id"].as_i64() > newest, "schema {schema}: {made}");
        assert!(upgraded.server.stop().await.success());
        let server = upgraded.world.server_with("server1", &SETTINGS).await;
        let found = server.get(&format!("/reservas/{}", made["reserva"]["id"])).await;
        assert_eq!(found.status, 200, "schema {schema}");
    }
}
