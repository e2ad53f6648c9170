//! What chargers say, live and retained, beside what operators say.

use serde_json::{Value, json};

use crate::harness::{PlainClient, Program, Role, World, eventually, payload};

const TOPIC: &str = "pontos/7/disponibilidade";

fn says(disponivel: bool) -> Value {
    json!({"server_id": "server1", "ponto_id": 7, "disponivel": disponivel})
}

/// The charger of posto 7. What it publishes has arrived at the broker when a call returns.
struct Charger(PlainClient);

impl Charger {
    async fn connect(world: &World) -> Self {
        Self(PlainClient::subscribe(world, "charger", &[TOPIC]).await)
    }

    async fn publishes(&mut self, payload: impl ToString) {
        self.0.publish(TOPIC, payload).await;
        self.0.next(TOPIC).await;
    }

    async fn retains(&mut self, payload: impl ToString) {
        self.0.publish_retained(TOPIC, payload).await;
        self.0.next(TOPIC).await;
    }
}

async fn posto(server: &Program) -> Value {
    server.get("/postos/7").await.json
}

/// Waits until the servidor has handled what was published to it before.
async fn handled(world: &World) {
    let listed = "client/probe/postos/response";
    let mut probe = PlainClient::subscribe(world, "probe", &[listed]).await;
    let list = json!({"request_id": "r1", "client_id": "probe", "server_id": "server1"});
    probe.publish("server/postos/request", list).await;
    probe.next(listed).await;
}

async fn is_heard(server: &Program, disponivel: bool) {
    eventually("the charger is heard", async || {
        posto(server).await["carregador"]["disponivel"] == disponivel
    })
    .await;
}

async fn start(world: &World) -> Program {
    let server = world.server("server1").await;
    server.ready().await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_operator_nor_charger_overwrites_the_other() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut charger = Charger::connect(&world).await;
    let mut listener = PlainClient::subscribe(&world, "listener", &["pontos/7/status"]).await;
    charger.publishes(says(false)).await;
    assert_eq!(listener.next("pontos/7/status").await["disponivel"], false);
    let shown = posto(&server).await;
    assert_eq!(shown["operador"], json!({"disponivel": true, "em_manutencao": false}));
    let carregador = &shown["carregador"];
    assert_eq!(
        (&carregador["disponivel"], &carregador["em_manutencao"]),
        (&json!(false), &json!(false))
    );
    assert!(carregador["desde"].is_string(), "{shown}");
    // The operator cannot put it in service while the charger says that it is broken.
    let path = "/postos/7/disponibilidade";
    let put = server.put(path, &json!({"disponivel": true})).await;
    assert_eq!((put.status, &put.json["disponivel"]), (200, &json!(false)), "{put:?}");
    assert_eq!(
        client.reservar(&payload("ABC1234", 7)).await.verdict(),
        (409, "posto_indisponivel")
    );
    // What gateways list is the outcome alone.
    let listed = client.get("/postos?server_id=server1&disponivel=false").await.json;
    assert_eq!(listed["postos"][0]["id"], 7);
    assert_eq!(listed["postos"][0].get("operador"), None, "{listed}");
    // Nor can the charger while the operator says that it is in maintenance.
    server.put(path, &json!({"disponivel": true, "em_manutencao": true})).await;
    charger.publishes(says(true)).await;
    is_heard(&server, true).await;
    assert_eq!(
        client.reservar(&payload("ABC1234", 7)).await.verdict(),
        (409, "posto_em_manutencao")
    );
    server.put(path, &json!({"disponivel": true, "em_manutencao": false})).await;
    assert_eq!(client.reservar(&payload("ABC1234", 7)).await.status, 200);
    // Another charger is installed.
    charger.publishes(says(false)).await;
    is_heard(&server, false).await;
    let forgotten = server.delete("/postos/7/carregador").await;
    assert_eq!((forgotten.status, &forgotten.json["carregador"]), (200, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_message_of_a_charger_counts() {
    let world = World::new().await;
    let server = start(&world).await;
    let mut charger = Charger::connect(&world).await;
    for round in 0..40 {
        for (disponivel, em_manutencao) in [(true, false), (false, true), (false, round % 2 == 0)] {
            let mut message = says(disponivel);
            message["em_manutencao"] = json!(em_manutencao);
            charger.publishes(message).await;
        }
        eventually("the last message is stored", async || {
            let stored = posto(&server).await["carregador"].take();
            stored["em_manutencao"] == (round % 2 == 0) && stored["disponivel"] == false
        })
        .await;
        handled(&world).await;
        let shown = posto(&server).await;
        let carregador = &shown["carregador"];
        assert_eq!(carregador["disponivel"], false, "round {round}: {shown}");
        assert_eq!(carregador["em_manutencao"], round % 2 == 0, "round {round}: {shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retained_while_the_servidor_has_no_session_is_known_at_its_start() {
    let world = World::new().await;
    retained_before_the_start(world).await;
}

/// A new session, then one that the broker has kept.
async fn retained_before_the_start(world: World) {
    let mut charger = Charger::connect(&world).await;
    charger.retains(says(false)).await;
    let server = start(&world).await;
    is_heard(&server, false).await;
    assert_eq!(posto(&server).await["disponivel"], false);
    assert!(server.stop().await.success());
    charger.publishes(says(true)).await;
    let server = start(&world).await;
    is_heard(&server, true).await;
    handled(&world).await;
    assert_eq!(posto(&server).await["disponivel"], true, "the retained message is older");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retained_message_does_not_undo_what_was_heard_live() {
    let world = World::new().await;
    live_after_retained(&world).await;
}

/// The charger is broken, retained; then it is free, not retained. The servidor starts again.
async fn live_after_retained(world: &World) -> Program {
    let server = start(world).await;
    let mut charger = Charger::connect(world).await;
    charger.retains(says(false)).await;
    is_heard(&server, false).await;
    charger.publishes(says(true)).await;
    is_heard(&server, true).await;
    assert!(server.stop().await.success());
    let server = start(world).await;
    handled(world).await;
    assert_eq!(posto(&server).await["disponivel"], true);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retained_message_that_is_cleared_says_nothing() {
    let world = World::new().await;
    let server = start(&world).await;
    let mut charger = Charger::connect(&world).await;
    charger.retains(says(false)).await;
    is_heard(&server, false).await;
    charger.retains("").await;
    handled(&world).await;
    assert_eq!(posto(&server).await["carregador"]["disponivel"], false);
    let complaints = server.log_lines();
    let complaints = complaints.iter().filter(|line| line["level"] == "WARN").collect::<Vec<_>>();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charger_that_repeats_itself_fills_no_log() {
    let world = World::new().await;
    let server = world.server_with("server1", &[("METRICS_ADDR", "127.0.0.1:0")]).await;
    server.ready().await;
    let mut charger = Charger::connect(&world).await;
    for _ in 0..5 {
        charger.publishes(says(false)).await;
    }
    handled(&world).await;
    let logged = |message: &str| {
        let lines = server.log_lines().into_iter();
        lines.filter(|line| line["message"] == message).collect::<Vec<_>>()
    };
    assert_eq!(logged("charger message stored").len(), 1);

    assert_eq!(server.delete("/postos/7").await.status, 204);
    for count in [1.0, 2.0, 3.0] {
        charger.publishes(says(true)).await;
        server.counts("postos_bus_bad_total", &[], count).await;
    }
    let bad = logged("bad message");
    assert!(bad.len() == 1 && bad[0]["topic"] == TOPIC, "{bad:?}");
    assert_eq!(logged("a charger message was not stored").len(), 0);
}

mod on_mosquitto {
    use super::*;

    /// The broker loses all sessions of programs that are away, and keeps what it retains.
    async fn lose_session(world: &World) {
        // A connection without a session takes the place of the old one.
        let mut options =
            rumqttc::MqttOptions::new("server:server1", "127.0.0.1", world.broker.plain_port());
        options.set_clean_session(true);
        if let Some(logins) = world.broker.logins() {
            let login = logins.login(Role::Servidor, "server1").await;
            options.set_credentials(&login.user, login.password());
        }
        let (client, mut events) = rumqttc::AsyncClient::new(options, 1);
        loop {
            let event = events.poll().await.expect("a connection");
            if matches!(event, rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(_))) {
                break;
            }
        }
        client.disconnect().await.expect("it is connected");
        while events.poll().await.is_ok() {}
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs mosquitto"]
    async fn what_is_retained_while_the_servidor_has_no_session_is_known_at_its_start() {
        retained_before_the_start(World::on_mosquitto().await).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs mosquitto"]
    async fn a_retained_message_does_not_undo_what_was_heard_live() {
        let world = World::on_mosquitto().await;
        let server = live_after_retained(&world).await;
        assert!(server.stop().await.success());
        lose_session(&world).await;
        let server = start(&world).await;
        handled(&world).await;
        assert_eq!(posto(&server).await["disponivel"], true, "without a session too");
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs mosquitto"]
    async fn a_charger_that_breaks_while_the_servidor_has_no_session_is_known_as_broken() {
        let world = World::on_mosquitto().await;
        let server = start(&world).await;
        let mut charger = Charger::connect(&world).await;
        // It was broken before: the messages are equal.
        for disponivel in [true, false, true] {
            charger.retains(says(disponivel)).await;
            is_heard(&server, disponivel).await;
        }
        server.kill().await;
        lose_session(&world).await;
        charger.retains(says(false)).await;
        let server = start(&world).await;
        is_heard(&server, false).await;
        assert_eq!(posto(&server).await["disponivel"], false);
        // A broker that has lost what it retained changes nothing.
        assert!(server.stop().await.success());
        charger.retains("").await;
        lose_session(&world).await;
        let server = start(&world).await;
        handled(&world).await;
        assert_eq!(posto(&server).await["disponivel"], false);
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs mosquitto"]
    async fn a_bad_message_that_the_broker_retains_is_logged_once() {
        let mut world = World::on_mosquitto().await;
        let mut charger = Charger::connect(&world).await;
        charger.retains("broken").await;
        let server = start(&world).await;
        handled(&world).await;
        // It saves what it retains every two seconds.
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        world.broker.kill().await;
        world.broker.start_again().await;
        server.ready().await;
        let mut charger = Charger::connect(&world).await;
        charger.publishes(says(false)).await;
        is_heard(&server, false).await;
        let lines = server.log_lines();
        let bad: Vec<_> = lines.iter().filter(|line| line["topic"] == TOPIC).collect();
        assert_eq!(bad.len(), 1, "{bad:?}");
    }
}
