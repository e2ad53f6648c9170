//! What happens to reservas, as those who follow them at another gateway see it.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use serde_json::{Value, json};

use crate::events::servidor::path_of;
use crate::harness::{EventStream, Program, World, payload};

struct Site {
    _world: World,
    server: Program,
    first: Program,
    second: Program,
}

impl Site {
    async fn start() -> Self {
        let world = World::new().await;
        let (server, first) = world.pair().await;
        let second = world.client("cliente2").await;
        second.sees("server1", "online").await;
        Self { _world: world, server, first, second }
    }

    /// Reserves at one gateway and follows at the other.
    async fn follow(&self, body: &Value) -> EventStream {
        let made = self.first.reservar(body).await;
        assert_eq!(made.status, 200, "{made:?}");
        let mut stream = self.second.listen(&path_of(&made.request_id())).await;
        let event = stream.next().await.expect("its state");
        assert_eq!(event.summary(), ("reserva", Some("1"), "ativa"));
        assert_eq!(event.data["preco_kwh"], made.json["reserva"]["preco_kwh"]);
        stream
    }

    /// A session begins at posto 5; the path at which it ends.
    async fn starts(&self, placa: &str) -> String {
        let started = self.server.post("/postos/5/carregamentos", &json!({"placa": placa})).await;
        assert_eq!(started.status, 201, "{started:?}");
        format!("/postos/5/carregamentos/{}", started.json["id"])
    }

    async fn ends(&self, path: &str) {
        let body = json!({"energia_fornecida": 10.0, "confirmado": true});
        let ended = self.server.put(path, &body).await;
        assert_eq!(ended.status, 200, "{ended:?}");
    }
}

fn from_now(millis: i64) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let now = i64::try_from(now.as_millis()).expect("a clock of this age");
    Timestamp::clamped(now + millis).to_string().into()
}

/// The next change: its version, status and what it warns of.
async fn change(stream: &mut EventStream) -> (String, String, Value) {
    let event = stream.next_named("reserva").await;
    let aviso = event.data.get("aviso").cloned().unwrap_or_default();
    (event.id.clone().expect("a version"), event.summary().2.to_owned(), aviso)
}

fn ativa(versao: &str, aviso: &str) -> (String, String, Value) {
    (versao.to_owned(), "ativa".to_owned(), json!(aviso))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_is_followed_until_its_carro_leaves() {
    let site = Site::start().await;
    let mut stream = site.follow(&payload("ABC1234", 5)).await;
    let session = site.starts("ABC1234").await;
    let cumprida = |versao: &str| (versao.to_owned(), "cumprida".to_owned(), Value::Null);
    assert_eq!(change(&mut stream).await, cumprida("2"));
    assert!(stream.is_silent().await, "it charges");
    site.ends(&session).await;
    let event = stream.next().await.expect("a change");
    assert_eq!(event.summary(), ("reserva", Some("3"), "cumprida"));
    assert!(event.data["livre_desde"].is_string(), "{}", event.data);
    assert_eq!(stream.next().await, None, "its posto is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_next_reserva_is_warned_that_a_carro_overstays() {
    let site = Site::start().await;
    let boundary = from_now(6_000);
    let (mut first, mut second) = (payload("ABC1234", 5), payload("XYZ9876", 5));
    first["fim"] = boundary.clone();
    second["inicio"] = boundary;
    second["fim"] = from_now(3_600_000);
    let _first = site.follow(&first).await;
    let mut stream = site.follow(&second).await;
    let session = site.starts("ABC1234").await;
    assert_eq!(change(&mut stream).await, ativa("2", "posto_ocupado"));
    site.ends(&session).await;
    assert_eq!(change(&mut stream).await, ativa("3", "posto_livre"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_reserva_sees_where_the_operator_moves_it() {
    let site = Site::start().await;
    let mut stream = site.follow(&payload("ABC1234", 5)).await;
    let body = json!({"disponivel": false, "em_manutencao": true, "reservas": "mover"});
    assert_eq!(site.server.put("/postos/5/disponibilidade", &body).await.status, 200);
    let event = stream.next().await.expect("a change");
    assert_eq!((event.summary().1, &event.data["posto_id"]), (Some("2"), &json!(1)));
    let body = json!({"disponivel": false, "em_manutencao": true, "reservas": "cancelar"});
    assert_eq!(site.server.put("/postos/1/disponibilidade", &body).await.status, 200);
    let event = stream.next().await.expect("a change");
    assert_eq!(event.summary(), ("reserva", Some("3"), "cancelada"));
    assert_eq!(event.data["motivo"], "manutencao");
    assert_eq!(stream.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_reserva_sees_what_it_is_changed_to() {
    let site = Site::start().await;
    let made = site.first.reservar(&payload("ABC1234", 5)).await;
    let path = path_of(&made.request_id());
    let mut stream = site.second.listen(&path).await;
    stream.next().await.expect("its state");
    let fim = from_now(3_600_000);
    let change = json!({"fim": fim, "posto_id": 6});
    let changed = site.first.patch(&path.replace("/eventos", ""), &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let event = stream.next().await.expect("a change");
    assert_eq!(event.summary(), ("reserva", Some("2"), "ativa"));
    assert_eq!((&event.data["posto_id"], &event.data["fim"]), (&json!(6), &fim));
    // The same again changes nothing, and is no event.
    assert_eq!(site.first.patch(&path.replace("/eventos", ""), &change).await.status, 200);
    assert!(stream.is_silent().await);
}
