//! Listings that have not changed: confirmed to who holds them, and never when they are not true.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use reqwest::header::{HeaderMap, IF_NONE_MATCH};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::harness::{PlainClient, Program, World, eventually, payload};

const ASK: &str = "server/postos/request";
const RESPONSE: &str = "client/app1/postos/response";

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(now.as_millis()).expect("a clock of this age")
}

/// A program that holds a listing.
struct Holder {
    app: PlainClient,
    asked: u32,
    versao: Value,
    postos: Value,
    /// All versions that it has held.
    versions: Vec<Value>,
}

impl Holder {
    async fn new(world: &World) -> Self {
        let app = PlainClient::subscribe(world, "app1", &[RESPONSE]).await;
        let mut holder =
            Self { app, asked: 0, versao: Value::Null, postos: Value::Null, versions: vec![] };
        holder.reads_another("its first").await;
        holder
    }

    /// The answer to a question with this `versao`, or with none.
    async fn ask(&mut self, versao: &Value) -> Value {
        self.asked += 1;
        let request_id = format!("q{}", self.asked);
        let mut question =
            json!({"request_id": request_id, "client_id": "app1", "server_id": "server1"});
        if !versao.is_null() {
            question["versao"] = versao.clone();
        }
        self.app.publish(ASK, question).await;
        let answer = self.app.next(RESPONSE).await;
        assert_eq!(answer["request_id"], request_id);
        answer
    }

    /// Asks with its version, whether or not it is confirmed.
    async fn is_confirmed(&mut self) -> bool {
        let answer = self.ask(&self.versao.clone()).await;
        if answer.get("inalterada").is_none() {
            return false;
        }
        let request_id = &answer["request_id"];
        let expected = json!({"request_id": request_id, "inalterada": true, "versao": self.versao});
        assert_eq!(answer, expected);
        true
    }

    /// Its version is not confirmed; the list that it gets is another one, and is confirmed.
    async fn reads_another(&mut self, why: &str) {
        let answer = self.ask(&self.versao.clone()).await;
        assert_eq!(answer.get("inalterada"), None, "{why}");
        assert_ne!(answer["versao"], self.versao, "{why}");
        self.versao = answer["versao"].clone();
        self.postos = answer["postos"].clone();
        assert!(!self.versions.contains(&self.versao), "{why}: a version has come again");
        self.versions.push(self.versao.clone());
        assert!(self.is_confirmed().await, "{why}");
        let plain = self.ask(&Value::Null).await;
        assert_eq!((&plain["postos"], &plain["versao"]), (&self.postos, &self.versao), "{why}");
    }

    fn disponivel(&self, posto_id: usize) -> bool {
        self.postos[posto_id - 1]["disponivel"].as_bool().expect("a flag")
    }

    /// Until `moment` its list is true and confirmed, and from then on no question that is sent is
    /// answered so.
    async fn is_confirmed_until(&mut self, moment: i64, why: &str) {
        let mut confirmed = 0;
        loop {
            let sent = now();
            if !self.is_confirmed().await {
                break;
            }
            assert!(sent < moment, "{why}: confirmed {} ms late", sent - moment);
            confirmed += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(now() >= moment && confirmed > 0, "{why}");
        self.reads_another(why).await;
    }
}

async fn ok(answer: impl Future<Output = crate::harness::Answer>) -> Value {
    let answer = answer.await;
    assert!((200..300).contains(&answer.status), "{answer:?}");
    answer.json
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_is_confirmed_while_it_is_true_and_no_longer() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let mut holder = Holder::new(&world).await;
    let flag = |name: &str, value: bool| json!({name: value});

    ok(server.patch("/postos/2", &flag("disponivel", false))).await;
    holder.reads_another("out of service").await;
    ok(server.patch("/postos/2", &flag("disponivel", false))).await;
    assert!(holder.is_confirmed().await, "a change that changes nothing");
    ok(server.patch("/postos/2", &flag("disponivel", true))).await;
    holder.reads_another("in service, as at first").await;
    ok(server.patch("/postos/2", &json!({"nome": "Praça"}))).await;
    holder.reads_another("another name").await;

    let made = ok(client.reservar(&payload("AAA0001", 3))).await;
    holder.reads_another("reserved").await;
    assert!(!holder.disponivel(3));
    let request_id = made["request_id"].as_str().expect("an id");
    let cancel = format!("/reservas/{request_id}/cancelar?server_id=server1");
    ok(client.post(&cancel, &json!({}))).await;
    holder.reads_another("cancelled").await;
    assert!(holder.disponivel(3));

    let (inicio, fim) = (now() + 1_500, now() + 3_000);
    let mut soon = payload("AAA0002", 4);
    soon["inicio"] = json!(Timestamp::clamped(inicio).to_string());
    soon["fim"] = json!(Timestamp::clamped(fim).to_string());
    ok(client.reservar(&soon)).await;
    holder.is_confirmed_until(inicio, "begins").await;
    assert!(!holder.disponivel(4));
    holder.is_confirmed_until(fim, "ends").await;
    assert!(holder.disponivel(4));

    let begun = ok(server.post("/postos/5/carregamentos", &json!({"placa": "AAA0003"}))).await;
    holder.reads_another("a session begins").await;
    let path = format!("/postos/5/carregamentos/{}", begun["id"]);
    ok(server.put(&path, &json!({"energia_fornecida": 10.0}))).await;
    holder.reads_another("a session ends").await;

    let new = json!({"nome": "Novo", "localizacao": "-23.5,-46.6"});
    ok(server.post("/postos", &new)).await;
    holder.reads_another("one more").await;
    drop((server, client));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_a_restart_and_an_older_file_are_noticed() {
    let world = World::new().await;
    let server = world.server("server1").await;
    let mut holder = Holder::new(&world).await;
    let path = world.database("server1");
    let url = format!("sqlite://{}", path.display());
    let mut other = SqliteConnection::connect(&url).await.expect("the same file");
    sqlx::query("UPDATE postos SET em_manutencao = 1 WHERE id = 7")
        .execute(&mut other)
        .await
        .expect("a change");
    holder.reads_another("another program has written").await;
    other.close().await.expect("it closes");
    assert!(server.stop().await.success());
    let backup = path.with_extension("backup");
    std::fs::copy(&path, &backup).expect("a copy");

    let server = world.server("server1").await;
    holder.reads_another("restarted").await;
    ok(server.patch("/postos/8", &json!({"em_manutencao": true}))).await;
    holder.reads_another("changed after the backup").await;
    assert!(server.stop().await.success());
    std::fs::copy(&backup, &path).expect("it is restored");

    let _server = world.server("server1").await;
    holder.reads_another("an older file").await;
    assert_eq!(holder.postos[7]["em_manutencao"], false);
    for old in holder.versions.clone().iter().rev().skip(1) {
        assert_eq!(holder.ask(old).await.get("inalterada"), None, "{old}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_filters_and_arrays_are_confirmed_too() {
    let world = World::new().await;
    let _server = world.server("server1").await;
    let mut app = PlainClient::subscribe(&world, "app1", &[RESPONSE]).await;
    let base = json!({"request_id": "q", "client_id": "app1", "server_id": "server1"});
    for part in [
        json!({"limite": 5}),
        json!({"limite": 5, "apos": 5}),
        json!({"disponivel": true}),
        json!({"disponivel": false, "tipo_conector": "CHAdeMO", "limite": 1}),
    ] {
        let mut question = base.clone();
        let fields = question.as_object_mut().expect("an object");
        fields.extend(part.as_object().expect("an object").clone());
        app.publish(ASK, &question).await;
        let listed = app.next(RESPONSE).await;
        assert!(listed["postos"].is_array(), "{listed}");
        question["versao"] = listed["versao"].clone();
        let confirmed = json!({"request_id": "q", "inalterada": true, "versao": listed["versao"]});
        app.publish(ASK, &question).await;
        assert_eq!(app.next(RESPONSE).await, confirmed, "{question}");
        app.publish("server/server1/postos/request", json!([question])).await;
        assert_eq!(app.next(RESPONSE).await, json!([confirmed]), "{question}");
    }
    for wrong in [json!(7), json!(""), json!("a b"), json!("v".repeat(129))] {
        let mut question = base.clone();
        question["versao"] = wrong;
        app.publish(ASK, &question).await;
        let refused = app.next(RESPONSE).await;
        assert_eq!(refused["codigo"], "requisicao_invalida", "{refused}");
        assert_eq!(refused["campos"][0]["campo"], "versao", "{refused}");
    }
}

/// Status, headers and body of a listing, asked for by who has these tags.
async fn get(program: &Program, query: &str, tags: &[&str]) -> (u16, HeaderMap, String) {
    let mut request = reqwest::Client::new().get(program.url(&format!("/postos{query}")));
    for tag in tags {
        request = request.header(IF_NONE_MATCH, *tag);
    }
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    for (name, value) in [("cache-control", "no-cache"), ("vary", "Accept-Encoding, Origin")] {
        let is_listing = matches!(status, 200 | 304);
        assert_eq!(headers.get(name).is_some_and(|is| is == value), is_listing, "{headers:?}");
    }
    assert!(headers.contains_key("x-request-id"), "{headers:?}");
    (status, headers, answer.text().await.expect("a body"))
}

/// The tag of a listing, whose body is `200` to who has no other.
async fn tag(program: &Program, query: &str) -> String {
    let (status, headers, body) = get(program, query, &["\"another\""]).await;
    assert_eq!((status, body.contains("\"postos\":[")), (200, true), "{body}");
    headers["etag"].to_str().expect("a text").to_owned()
}

async fn assert_known(program: &Program, query: &str, tags: &[&str]) {
    let (status, headers, body) = get(program, query, tags).await;
    assert_eq!((status, body.as_str()), (304, ""), "{tags:?}");
    assert!(tags.iter().any(|tag| *tag == "*" || tag.contains(headers["etag"].to_str().unwrap())));
    assert!(!headers.contains_key("content-type"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poller_whose_postos_have_not_changed_gets_no_listing() {
    const ALL: &str = "?server_id=server1";
    const FREE: &str = "?server_id=server1&disponivel=true";
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let other = world.client("cliente2").await;
    other.sees("server1", "online").await;
    let all = tag(&client, ALL).await;
    for program in [&client, &other] {
        assert_known(program, ALL, &[&all]).await;
        assert_known(program, ALL, &["*"]).await;
        assert_known(program, ALL, &["\"a\"", &format!("\"b\", {all}")]).await;
    }
    assert_known(&server, "", &[&all]).await;
    assert_known(&server, "?disponivel=true", &[&tag(&client, FREE).await]).await;

    assert!(server.stop().await.success());
    client.sees("server1", "offline").await;
    let (status, headers, _) = get(&client, ALL, &[&all]).await;
    assert_eq!((status, headers.get("etag")), (503, None), "nothing is answered from memory");
    let server = world.server("server1").await;
    client.sees("server1", "online").await;
    other.sees("server1", "online").await;
    assert_known(&client, ALL, &[&all]).await;
    assert_known(&other, ALL, &[&all]).await;

    for in_service in [false, true] {
        let body = json!({"disponivel": in_service});
        ok(server.put("/postos/5/disponibilidade", &body)).await;
        for (program, query) in [(&client, ALL), (&other, ALL), (&server, "")] {
            assert_eq!(tag(program, query).await == all, in_service);
            let free = query.is_empty().then_some("?disponivel=true").unwrap_or(FREE);
            assert_eq!(tag(program, free).await == all, in_service, "all are free");
        }
    }
    assert_known(&client, ALL, &[&all]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_with_one_tag_are_of_one_version() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let pages = ["?server_id=server1&limite=15", "?server_id=server1&limite=15&apos=15"];
    let mut seen = Vec::new();
    for _ in 0..3 {
        for page in pages {
            let page_tag = tag(&client, page).await;
            assert_known(&client, page, &[&page_tag]).await;
            assert!(!seen.contains(&page_tag), "a page of another version");
            seen.push(page_tag);
        }
        // On the first page, and back.
        for disponivel in [false, true] {
            let body = json!({"disponivel": disponivel});
            ok(server.put("/postos/5/disponibilidade", &body)).await;
            tag(&client, pages[0]).await;
        }
    }
}

/// A list that the gateway gathers is confirmed by one question, and is never of two moments.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs mosquitto"]
async fn ten_thousand_postos_in_pages_are_confirmed_as_one_list() {
    let world = World::on_mosquitto_with("max_packet_size 100000\n").await;
    world.seed_postos("server1", 10_000);
    let (server, client) = world.pair().await;
    let mut listener = PlainClient::subscribe(&world, "listener", &[ASK]).await;
    let asked = async |listener: &mut PlainClient| {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let before = listener.received(ASK).len();
        let answer = client.get("/postos?server_id=server1").await;
        assert_eq!(answer.json["postos"].as_array().map(Vec::len), Some(10_000));
        eventually("the question is heard", async || listener.received(ASK).len() > before).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        (listener.received(ASK).split_off(before), answer.json)
    };
    let (first, listed) = asked(&mut listener).await;
    assert!(first.len() > 10, "{} pages", first.len());
    let (second, confirmed) = asked(&mut listener).await;
    assert_eq!((second.len(), &second[0]["versao"]), (1, &listed["versao"]));
    assert_eq!(confirmed["postos"], listed["postos"]);
    assert_ne!(confirmed["request_id"], listed["request_id"]);
    // The last page changes, and the first is as it was.
    ok(server.put("/postos/10000/disponibilidade", &json!({"disponivel": false}))).await;
    let (third, changed) = asked(&mut listener).await;
    assert_eq!(
        (third.len(), &changed["postos"][9_999]["disponivel"]),
        (first.len(), &json!(false))
    );
    assert!(third[1..].iter().all(|question| question.get("versao").is_none()));
}
