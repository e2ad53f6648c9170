//! Listings that have not changed: confirmed to who holds them, and never when they are not true.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::harness::{Answer, PlainClient, World, payload};

pub(crate) const ASK: &str = "server/postos/request";
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

pub(crate) async fn ok(answer: impl Future<Output = Answer>) -> Value {
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

    let (inicio, fim) = (now() + 5_000, now() + 12_000);
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
    ok(server.put(&path, &json!({"energia_fornecida": 10.0, "confirmado": true}))).await;
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
    sqlx::query("UPDATE postos SET operador_em_manutencao = 1 WHERE id = 7")
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
