//! What is in the logs, and in answers that need no token.

use reqwest::Method;
use serde_json::{Value, json};

use super::{gateway, new_app_token, servidor, tokens_file};
use crate::attack::{Guard, Tries};
use crate::harness::{
    Answer, BrokerAccess, PlainClient, Program, Role, World, eventually, payload, run_subcommand,
};

const PLACA: &str = "QQQ7A77";
const KEY: &str = "5c0a7d4e-1b7f-4b43-9a2e-1f6f3b0d9b11";

/// Everything that the programs have written.
async fn logs(programs: Vec<Program>) -> String {
    let mut text = String::new();
    for program in programs {
        let log = program.log.clone();
        assert!(program.stop().await.success());
        text += &std::fs::read_to_string(log).expect("a log");
    }
    text
}

/// What somebody looks for who can read the logs.
struct Secret {
    what: &'static str,
    text: String,
    /// Whether it comes in the head of a request.
    in_heads: bool,
}

/// Reads the logs of a whole flow, of all programs and as much as they can say, for what would let
/// it in.
pub(crate) async fn secret_in_a_log(guard: Guard) -> Tries {
    const BUG: &str = "LoggedHeaders";
    let mut world = World::on_mosquitto_with_access(BrokerAccess::Logins, "").await;
    let trace = ("RUST_LOG", "trace");
    let app = new_app_token(&world, "app1").await;
    let file = tokens_file(&world, &[&app.line]);
    let servidor = servidor(&world, guard, BUG, &[trace]).await;
    let gateway = gateway(&world, guard, BUG, &[trace, file]).await;
    gateway.sees("server1", "online").await;
    let first = std::fs::read_to_string(world.folder().join("data/server1.db.token"));
    let first = first.expect("a token").trim().to_owned();
    let made = servidor.post("/tokens", &json!({"nome": "painel", "papel": "leitura"})).await;
    let named = made.json["token"].as_str().expect("a token").to_owned();
    let wrong = "posto_a-token-that-is-none".to_owned();
    let reserve = gateway.request(Method::POST, "/reservar").bearer_auth(&app.text);
    let reserve = reserve.header("Idempotency-Key", KEY).json(&payload(PLACA, 5));
    let reserved = Answer::of(reserve).await;
    assert_eq!(reserved.status, 200, "{reserved:?}");
    for token in [&first, &named, &wrong, &app.text] {
        everywhere(&servidor, token).await;
        everywhere(&gateway, token).await;
    }
    let (servidor_login, gateway_login) = (
        world.logins().login(Role::Servidor, "server1").await,
        world.logins().login(Role::Gateway, "cliente1").await,
    );
    let shown = rotated_and_refused(&mut world, &servidor, &gateway).await;
    let text = shown + &logs(vec![gateway, servidor]).await;
    let mut tries = Tries::default();
    for Secret { what, text: secret, in_heads } in [
        Secret { what: "the first token", text: first, in_heads: true },
        Secret { what: "a named token", text: named, in_heads: true },
        Secret { what: "a wrong token", text: wrong, in_heads: true },
        Secret { what: "a token of an app", text: app.text, in_heads: true },
        Secret { what: "an Idempotency-Key", text: KEY.to_owned(), in_heads: true },
        Secret { what: "a servidor's password", text: servidor_login.password(), in_heads: false },
        Secret { what: "a gateway's password", text: gateway_login.password(), in_heads: false },
        Secret { what: "a placa", text: PLACA.to_owned(), in_heads: false },
    ] {
        if in_heads || !guard.is_removed() {
            tries.record(
                what,
                text.contains(&secret) || text.contains(&secret[10.min(secret.len() - 4)..]),
            );
        }
    }
    tries
}

/// Sends a token where it belongs, and where it does not.
async fn everywhere(program: &Program, token: &str) {
    let http = reqwest::Client::new();
    for path in ["/reservas".to_owned(), format!("/reservas?token={token}"), format!("/{token}")] {
        http.get(program.url(&path)).bearer_auth(token).send().await.expect("an answer");
    }
    let text = http.post(program.url("/reservar")).bearer_auth(token).body(token.to_owned());
    text.send().await.expect("an answer");
    let basic = http.get(program.url("/reservas")).basic_auth("operador", Some(token));
    basic.send().await.expect("an answer");
    let named = http.get(program.url("/status")).header("X-Request-Id", format!("x {token}"));
    named.send().await.expect("an answer");
}

/// What the subcommands print of a refusal, after programs have lost the broker and found it again.
async fn rotated_and_refused(world: &mut World, servidor: &Program, gateway: &Program) -> String {
    world.broker.kill().await;
    eventually("the broker is missed", async || gateway.get("/readyz").await.status == 503).await;
    world.broker.start_again().await;
    servidor.signal("-HUP");
    gateway.signal("-HUP");
    gateway.ready().await;
    servidor.ready().await;
    let mut text = String::new();
    for (name, set) in [
        ("server", [("SERVER_ID", "server1"), ("MQTT_PASSWORD", "secret of servidor.server1")]),
        (
            "client",
            [("MQTT_CLIENT_ID", "cliente1"), ("MQTT_PASSWORD", "secret of gateway.cliente1")],
        ),
    ] {
        // A password without a name is refused, and the value is not shown.
        let refused = run_subcommand(name, world.folder(), &[], set).await;
        assert!(!refused.status.success(), "{refused:?}");
        text += &String::from_utf8_lossy(&refused.stderr);
    }
    text
}

/// Looks for one carro in everything that needs no token, and in the logs, while it is reserved,
/// charges, and is refused.
pub(crate) async fn placa_in_an_answer_or_log(guard: Guard) -> Tries {
    let world = World::new().await;
    let servidor = servidor(&world, guard, "LoggedPlaca", &[]).await;
    let gateway = gateway(&world, Guard::InPlace, "", &[]).await;
    gateway.sees("server1", "online").await;
    let car = PlainClient::subscribe(&world, "carro", &[]).await;
    let mut public = String::new();
    let made = gateway.reservar(&payload(PLACA, 5)).await;
    assert!(made.json.to_string().contains(PLACA), "its own caller is answered with it: {made:?}");
    public += &everything_public(&servidor, &gateway).await;
    for (topic, message) in [
        ("bateria", json!({"placa": PLACA, "nivel_bateria": 50})),
        ("status", json!({"placa": PLACA, "nivel_bateria": 50, "em_carregamento": true})),
        ("status", json!({"placa": PLACA, "nivel_bateria": "x"})),
    ] {
        car.publish(&format!("carros/{PLACA}/{topic}"), &message).await;
    }
    for body in [payload(PLACA, 5), payload(PLACA, 99), json!({"placa": [PLACA]})] {
        gateway.reservar(&body).await;
    }
    let other = gateway.reservar(&payload("AAA0001", 5)).await;
    public += &other.json.to_string();
    let session = servidor.post("/postos/5/carregamentos", &json!({"placa": PLACA})).await;
    assert_eq!(session.status, 201, "{session:?}");
    public += &everything_public(&servidor, &gateway).await;
    for path in [format!("/carros/{PLACA}"), format!("/reservas?placa={PLACA}")] {
        assert!(servidor.get(&path).await.json.to_string().contains(PLACA), "{path}");
    }
    for path in [format!("/{PLACA}"), format!("/postos/{PLACA}"), format!("/carros/{PLACA}/x")] {
        servidor.get(&path).await;
        gateway.get(&path).await;
    }
    let id = session.json["id"].as_i64().expect("an id");
    let end = format!("/postos/5/carregamentos/{id}");
    servidor.put(&end, &json!({"energia_fornecida": 0.0})).await;
    let cancel = format!("/reservas/{}/cancelar?server_id=server1", made.request_id());
    gateway.post(&cancel, &Value::Null).await;
    public += &everything_public(&servidor, &gateway).await;
    servidor.delete(&format!("/carros/{PLACA}")).await;
    let text = logs(vec![gateway, servidor]).await;
    let mut tries = Tries::default();
    tries.record("reads the logs", text.contains(PLACA));
    assert!(!public.contains(PLACA), "{public}");
    tries
}

/// Every answer that needs no token, but for the documents.
async fn everything_public(servidor: &Program, gateway: &Program) -> String {
    let mut text = String::new();
    let of_both = ["/", "/status", "/healthz", "/readyz", "/nope"];
    let own = ["/postos", "/postos/5", "/postos?disponivel=false", "/reservas", "/carros"];
    let offered = ["/servidores", "/postos?server_id=server1", "/postos?server_id=server2"];
    for (program, paths) in [(servidor, own.as_slice()), (gateway, &offered)] {
        for path in of_both.iter().chain(paths) {
            let answer = reqwest::get(program.url(path)).await.expect("an answer");
            text += &format!("{:?}", answer.headers());
            text += &answer.text().await.expect("a text");
        }
    }
    text
}
