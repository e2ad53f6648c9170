//! Events over HTTP, with a plain MQTT client as the servidor, which says and counts what a real one
//! would not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{EventStream, PlainClient, Program, World, eventually};

const CONSULT: &str = "server/postos/reserva/consulta";
const LIST: &str = "server/postos/request";
const CONSULTED: &str = "client/cliente1/postos/reserva/consulta/response";
const LISTED: &str = "client/cliente1/postos/response";
const PUBLIC: &str = "reservas/17/status";
const PRIVATE: &str = "client/cliente1/reservas/status";
const PATH: &str = "/reservas/r1/eventos?server_id=server9";

/// What the servidor answers with, and how often it was asked.
struct Said {
    reserva: Value,
    postos: Value,
    consulted: usize,
    listed: usize,
    /// How many consultas came while others were being answered, at most.
    at_once: usize,
    delay: Duration,
}

struct StandIn {
    _world: World,
    client: Program,
    operator: PlainClient,
    said: Arc<Mutex<Said>>,
}

fn reserva(versao: i64, status: &str) -> Value {
    json!({"id": 17, "posto_id": 5, "placa": "ABC1234", "inicio": "2026-11-23T12:00:00.000Z",
        "fim": "2026-11-24T12:00:00.000Z", "status": status, "versao": versao})
}

fn posto(id: i64, disponivel: bool) -> Value {
    json!({"id": id, "disponivel": disponivel, "em_manutencao": false})
}

impl StandIn {
    async fn start(set: &[(&str, &str)]) -> Self {
        let world = World::new().await;
        let said = Arc::new(Mutex::new(Said {
            reserva: reserva(1, "ativa"),
            postos: json!([posto(5, true)]),
            consulted: 0,
            listed: 0,
            at_once: 0,
            delay: Duration::ZERO,
        }));
        let consulted = PlainClient::subscribe(&world, "server9", &[CONSULT]).await;
        let listed = PlainClient::subscribe(&world, "server9b", &[LIST]).await;
        tokio::spawn(answer_consultas(consulted, Arc::clone(&said)));
        tokio::spawn(answer_listings(listed, Arc::clone(&said)));
        let operator = PlainClient::subscribe(&world, "operator", &[]).await;
        let client = world.client_with("cliente1", set).await;
        let stand_in = Self { _world: world, client, operator, said };
        stand_in.is("online").await;
        stand_in
    }

    async fn is(&self, status: &str) {
        let presence = json!({"server_id": "server9", "status": status,
            "desde": "2026-01-01T00:00:00Z", "versao": "9", "entrega": ["difusao"]});
        self.operator.publish_retained("server/server9/status", presence).await;
        self.client.sees("server9", status).await;
    }

    /// What is answered from now on.
    fn says(&self, reserva: Value) {
        self.said.lock().expect("no panic").reserva = reserva;
    }

    fn consulted(&self) -> usize {
        self.said.lock().expect("no panic").consulted
    }

    /// Waits until no more questions come; how many there were.
    async fn settles(&self) -> usize {
        loop {
            let before = self.consulted();
            tokio::time::sleep(Duration::from_millis(400)).await;
            if self.consulted() == before {
                return before;
            }
        }
    }

    async fn publish_public(&self, server_id: &str) {
        let event = json!({"server_id": server_id, "reserva_id": 17, "posto_id": 5,
            "status": "ativa", "timestamp": "2026-11-23T12:00:00.000Z"});
        self.operator.publish(PUBLIC, event).await;
    }

    async fn publish_private(&self, versao: i64) {
        let mut event = reserva(versao, "ativa");
        event["server_id"] = json!("server9");
        event["request_id"] = json!("r1");
        event["timestamp"] = json!("2026-11-23T12:00:00.000Z");
        self.operator.publish(PRIVATE, event).await;
    }

    async fn publish_posto(&self, id: i64, disponivel: bool) {
        let event = json!({"server_id": "server9", "ponto_id": id, "disponivel": disponivel,
            "em_manutencao": false, "timestamp": "2026-11-23T12:00:00.000Z"});
        self.operator.publish(&format!("pontos/{id}/status"), event).await;
    }
}

async fn answer_consultas(mut client: PlainClient, said: Arc<Mutex<Said>>) {
    loop {
        let asked = client.next(CONSULT).await;
        let (delay, reserva) = {
            let mut said = said.lock().expect("no panic");
            said.consulted += 1;
            (said.delay, said.reserva.clone())
        };
        tokio::time::sleep(delay).await;
        let waiting = client.received(CONSULT).len() + 1;
        {
            let mut said = said.lock().expect("no panic");
            said.at_once = said.at_once.max(waiting);
        }
        let id = &asked["request_id"];
        let answer = match reserva.is_null() {
            true => json!({"request_id": id, "status": "erro", "codigo": "reserva_inexistente",
                "mensagem": "x"}),
            false => {
                json!({"request_id": id, "status": "sucesso", "mensagem": "x", "reserva": reserva})
            }
        };
        client.publish(CONSULTED, answer).await;
    }
}

async fn answer_listings(mut client: PlainClient, said: Arc<Mutex<Said>>) {
    loop {
        let asked = client.next(LIST).await;
        let (number, postos) = {
            let mut said = said.lock().expect("no panic");
            said.listed += 1;
            (said.listed, said.postos.clone())
        };
        let answer = json!({"request_id": asked["request_id"], "versao": format!("v{number}"),
            "postos": postos});
        client.publish(LISTED, answer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_says_when_to_ask_and_never_what_is_told() {
    let stand_in = StandIn::start(&[]).await;
    let mut stream = stand_in.client.listen(PATH).await;
    assert_eq!(stream.next().await.expect("its state").gist(), ("reserva", Some("1"), "ativa"));
    let before = stand_in.settles().await;
    // Of another servidor's reserva of the same number.
    stand_in.publish_public("server8").await;
    assert!(stream.is_silent().await);
    assert_eq!(stand_in.consulted(), before);
    // It promises what the servidor does not confirm.
    stand_in.publish_private(9).await;
    assert!(stream.is_silent().await);
    assert_eq!(stand_in.settles().await, before + 1);
    // What is known already is not asked for.
    stand_in.publish_private(1).await;
    assert!(stream.is_silent().await);
    assert_eq!(stand_in.consulted(), before + 1);
    for (versao, private) in [(2, false), (3, true)] {
        stand_in.says(reserva(versao, "ativa"));
        match private {
            true => stand_in.publish_private(versao).await,
            false => stand_in.publish_public("server9").await,
        }
        let told = stream.next().await.expect("a change");
        assert_eq!(told.id, Some(versao.to_string()));
    }
    // It goes back, as that of a restored servidor does, and may then have another state of the same
    // versao.
    for (versao, status) in [(1, "ativa"), (1, "na_fila")] {
        stand_in.says(reserva(versao, status));
        stand_in.publish_public("server9").await;
        let restored = stream.next().await.expect("a state");
        assert_eq!(restored.gist(), ("reserva", Some("1"), status));
    }
    stand_in.publish_public("server9").await;
    assert!(stream.is_silent().await, "nothing new");
    stand_in.says(reserva(4, "cancelada"));
    stand_in.publish_public("server9").await;
    assert_eq!(stream.next().await.expect("a change").gist().1, Some("4"));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_who_follow_one_reserva_share_its_questions() {
    let stand_in = StandIn::start(&[]).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(stand_in.client.listen(PATH).await);
    }
    for stream in &mut streams {
        stream.next().await.expect("its state");
    }
    let before = stand_in.settles().await;
    stand_in.says(reserva(2, "ativa"));
    // As a servidor tells of a change.
    stand_in.publish_public("server9").await;
    stand_in.publish_private(2).await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("a change").id.as_deref(), Some("2"));
    }
    let asked = stand_in.settles().await - before;
    assert!((1..=2).contains(&asked), "{asked} questions for one change");
    stand_in.is("offline").await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("it goes").gist(), ("servidor", None, "offline"));
    }
    let before = stand_in.settles().await;
    stand_in.says(reserva(3, "encerrada"));
    stand_in.is("online").await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("it returns").gist(), ("servidor", None, "online"));
        assert_eq!(stream.next().await.expect("a change").id.as_deref(), Some("3"));
        assert_eq!(stream.next().await, None);
    }
    assert!(stand_in.settles().await - before <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reservas_that_change_at_once_do_not_flood_the_servidor() {
    let stand_in = StandIn::start(&[("MAX_EVENTOS", "512")]).await;
    let mut streams = Vec::new();
    for number in 0..100 {
        let path = PATH.replace("r1", &format!("r{number}"));
        streams.push(stand_in.client.listen(&path).await);
    }
    for stream in &mut streams {
        stream.next().await.expect("its state");
    }
    stand_in.settles().await;
    {
        let mut said = stand_in.said.lock().expect("no panic");
        said.reserva = reserva(2, "ativa");
        said.at_once = 0;
        said.delay = Duration::from_millis(5);
    }
    // All have the number of this one.
    stand_in.publish_public("server9").await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.expect("a change").id.as_deref(), Some("2"));
    }
    let at_once = stand_in.said.lock().expect("no panic").at_once;
    assert!((2..=16).contains(&at_once), "{at_once} at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserva_that_is_forgotten_ends_its_streams() {
    let stand_in = StandIn::start(&[]).await;
    let mut stream = stand_in.client.listen(PATH).await;
    stream.next().await.expect("its state");
    stand_in.says(Value::Null);
    stand_in.publish_public("server9").await;
    assert_eq!(stream.next().await, None);
    assert_eq!(stand_in.client.get(PATH).await.verdict(), (404, "reserva_inexistente"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_later_of_two_changes_wins_over_the_list() {
    let stand_in = StandIn::start(&[]).await;
    let mut stream = stand_in.client.listen("/eventos").await;
    assert_eq!(stream.next().await.expect("a state").data["postos"], json!([posto(5, true)]));
    for disponivel in [false, true, false] {
        stand_in.publish_posto(5, disponivel).await;
    }
    for disponivel in [false, true, false] {
        let event = stream.next().await.expect("a change");
        assert_eq!(event.data["disponivel"], json!(disponivel));
    }
    // Nothing new.
    stand_in.publish_posto(5, false).await;
    assert!(stream.is_silent().await);
    // A new one is in no list yet; the list that is asked for then says what the events have said.
    stand_in.said.lock().expect("no panic").postos = json!([posto(5, true), posto(6, true)]);
    stand_in.publish_posto(6, true).await;
    let estado = stream.next().await.expect("a state");
    assert_eq!(estado.data["postos"].as_array().map(Vec::len), Some(2));
    stand_in.is("offline").await;
    assert_eq!(stream.next().await.expect("it goes").gist(), ("servidor", None, "offline"));
    let mut late = stand_in.client.listen("/eventos").await;
    let offline = late.next().await.expect("a state");
    assert_eq!(
        (offline.gist(), &offline.data["postos"]),
        (("estado", None, "offline"), &json!([]))
    );
    stand_in.is("online").await;
    for stream in [&mut stream, &mut late] {
        assert_eq!(stream.next().await.expect("it returns").gist(), ("servidor", None, "online"));
        assert_eq!(stream.next().await.expect("a state").gist(), ("estado", None, "online"));
    }
}

/// A reader that takes nothing is told the whole state when it reads again, and holds up nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_told_the_state_anew() {
    let stand_in = StandIn::start(&[]).await;
    // A list that fills what the two ends of a connection keep.
    let long = "x".repeat(8 << 20);
    stand_in.said.lock().expect("no panic").postos =
        json!([{"id": 5, "nome": long, "disponivel": true, "em_manutencao": false}]);
    let request = stand_in.client.request(reqwest::Method::GET, "/eventos");
    let mut slow = EventStream::open(request).await.unwrap_or_else(|answer| panic!("{answer:?}"));
    let mut quick = stand_in.client.listen("/eventos").await;
    quick.next_named("estado").await;
    for number in 0..600 {
        stand_in.publish_posto(5, number % 2 == 1).await;
        quick.next_named("posto").await;
    }
    let (mut postos, mut estados, mut last) = (0, 0, json!(null));
    while last != json!(true) || estados < 2 {
        let event = slow.next().await.expect("an event");
        match &*event.name {
            "estado" => {
                estados += 1;
                last = event.data["postos"][0]["disponivel"].clone();
            }
            "posto" => {
                postos += 1;
                last = event.data["disponivel"].clone();
            }
            other => panic!("{other}"),
        }
    }
    assert!(postos < 600, "{postos} were kept for it");
    eventually("both know the same", async || slow.is_silent().await && quick.is_silent().await)
        .await;
}
