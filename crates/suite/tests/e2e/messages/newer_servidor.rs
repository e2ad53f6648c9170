//! A gateway with a servidor of another version, here a plain MQTT client.

use serde_json::{Value, json};

use crate::harness::{PlainClient, Program, World};

const LIST: &str = "server/postos/request";
const CONSULT: &str = "server/postos/reserva/consulta";
const LISTED: &str = "client/cliente1/postos/response";
const CANCEL: &str = "server/postos/reserva/cancelamento";
const CANCELLED: &str = "client/cliente1/postos/reserva/cancelamento/response";
const CONSULTED: &str = "client/cliente1/postos/reserva/consulta/response";

struct Newer {
    world: World,
    servidor: PlainClient,
    client: Program,
}

impl Newer {
    /// Its presence has words that the gateway does not know.
    async fn start() -> Self {
        let world = World::new().await;
        let servidor = PlainClient::subscribe(&world, "newer", &[LIST, CONSULT, CANCEL]).await;
        let client = world.client("cliente1").await;
        let newer = Self { world, servidor, client };
        newer.is("online").await;
        newer.client.sees("server9", "online").await;
        newer
    }

    async fn is(&self, status: &str) {
        let presence = json!({"server_id": "server9", "status": status,
            "desde": "2026-01-01T00:00:00Z", "versao": "9", "entrega": [{"tipo": "pombo"}, "difusao"],
            "listas": true});
        self.servidor.publish_retained("server/server9/status", presence).await;
    }

    /// Answers the next command on a topic; `{id}` in the answer is its `request_id`.
    async fn answer(&mut self, command: &str, on: &str, answer: &str) -> Value {
        let asked = self.servidor.next(command).await;
        let id = asked["request_id"].as_str().expect("an id");
        self.servidor.publish(on, answer.replace("{id}", id)).await;
        asked
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_a_newer_servidor_are_passed_on() {
    let mut newer = Newer::start().await;
    for (answer, status) in [
        (
            r#"{"request_id":"{id}","status":"erro","codigo":"posto_em_festa","mensagem":"x","n":[1]}"#,
            409,
        ),
        (r#"{"request_id":"{id}","status":"erro","mensagem":"x"}"#, 409),
        (r#"{"request_id":"{id}","status":"erro","codigo":{"n":1},"mensagem":"x"}"#, 409),
        (r#"{"request_id":"{id}","status":"erro","codigo":"posto_reservado","campos":5}"#, 409),
        (r#"{"request_id":"{id}","status":"em_fila","reserva":{"status":"na_fila","x":{}}}"#, 200),
        (r#"{"request_id":"{id}","status":"sucesso","reserva":{"status":"nao_compareceu"}}"#, 200),
    ] {
        let url = newer.client.url("/reservas/r1?server_id=server9");
        let asking = tokio::spawn(async move {
            let answer = reqwest::get(url).await.expect("an answer");
            (answer.status().as_u16(), answer.text().await.expect("a body"))
        });
        let asked = newer.answer(CONSULT, CONSULTED, answer).await;
        let id = asked["request_id"].as_str().expect("an id");
        let got = asking.await.expect("no panic");
        assert_eq!(got, (status, answer.replace("{id}", id)), "to the byte");
    }
    newer.is("encerrando").await;
    newer.client.sees("server9", "offline").await;
    let refused = newer.client.get("/postos?server_id=server9").await;
    assert_eq!(refused.verdict(), (503, "servidor_indisponivel"));
    drop(newer.world);
}

/// Has the gateway list, while the servidor gives these answers one after the other; returns the
/// answer, its headers, and what was asked.
async fn list(newer: &mut Newer, query: &str, answers: &[&str]) -> (u16, Value, bool, Vec<Value>) {
    let url = newer.client.url(&format!("/postos?server_id=server9{query}"));
    let asking = tokio::spawn(async move {
        let answer = reqwest::get(url).await.expect("an answer");
        let retry = answer.headers().contains_key("retry-after");
        let named = answer.headers()["x-request-id"].clone();
        let status = answer.status().as_u16();
        let json: Value = answer.json().await.expect("JSON");
        assert_ne!(json["request_id"], named.to_str().expect("text"));
        (status, json, retry)
    });
    let mut asked = Vec::new();
    for answer in answers {
        asked.push(newer.answer(LIST, LISTED, answer).await);
    }
    let (status, json, retry) = asking.await.expect("no panic");
    (status, json, retry, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_one_version_are_gathered_and_others_read_again() {
    let mut newer = Newer::start().await;
    let first = r#"{"request_id":"{id}","versao":"v1","proxima":2,"postos":[{"id":1},{"id":2}]}"#;
    let second = r#"{"request_id":"{id}","versao":"v1","postos":[{"id":3}]}"#;
    let backwards =
        r#"{"postos":[{"id":1},{"id":2}],"proxima":2,"versao":"v2","request_id":"{id}"}"#;
    let last = r#"{"request_id":"{id}","postos":[{"id":3}],"versao":"v2"}"#;
    let all = json!([{"id": 1}, {"id": 2}, {"id": 3}]);
    for (answers, versao) in [
        (vec![first, second], "v1"),
        (vec![backwards, last], "v2"),
        (vec![first, last, backwards, last], "v2"),
        (vec![first, last, first, last, first, last, first, second], "v1"),
    ] {
        let (status, listed, _, asked) = list(&mut newer, "", &answers).await;
        assert_eq!((status, &listed["versao"], &listed["postos"]), (200, &json!(versao), &all));
        assert_eq!(listed.get("proxima"), None);
        for (index, asked) in asked.iter().enumerate() {
            let apos = if index % 2 == 0 { None } else { Some(&json!(2)) };
            assert_eq!(asked.get("apos"), apos, "question {index}");
        }
        let ids: std::collections::HashSet<_> =
            asked.iter().map(|asked| asked["request_id"].to_string()).collect();
        assert_eq!(ids.len(), asked.len(), "each page has a request of its own");
    }
    let (status, refused, retry, _) = list(&mut newer, "", &[first, last].repeat(4)).await;
    assert_eq!((status, &refused["codigo"], retry), (503, &json!("sobrecarregado"), true));
    let failed =
        r#"{"request_id":"{id}","status":"erro","codigo":"servidor_indisponivel","mensagem":"x"}"#;
    let (status, refused, ..) = list(&mut newer, "", &[first, failed]).await;
    assert_eq!((status, &refused["codigo"]), (503, &json!("servidor_indisponivel")));
    // A page that was asked for is passed on as it came.
    for query in ["&limite=2", "&apos=0", "&limite=2&apos=0"] {
        let (status, page, ..) = list(&mut newer, query, &[first]).await;
        assert_eq!((status, &page["proxima"]), (200, &json!(2)), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_servidors_list_is_passed_on() {
    let mut newer = Newer::start().await;
    for answer in [
        r#"{"request_id":"{id}","postos":[{"id":1}]}"#,
        r#"{"postos":[{"id":1}],"request_id":"{id}"}"#,
        r#"{"request_id":"{id}","versao":7,"proxima":null,"postos":[{"id":1}]}"#,
    ] {
        let (status, listed, ..) = list(&mut newer, "", &[answer]).await;
        assert_eq!((status, &listed["postos"]), (200, &json!([{"id": 1}])), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gateway_keeps_is_given_when_the_servidor_confirms_it() {
    let mut newer = Newer::start().await;
    let v1 = r#"{"request_id":"{id}","versao":"v1","novo":{"n":[1]},"postos":[{"id":1}]}"#;
    let v2 = r#"{"postos":[{"id":2}],"request_id":"{id}","versao":"v2"}"#;
    let old = r#"{"request_id":"{id}","postos":[{"id":3}]}"#;
    let same_v1 = r#"{"request_id":"{id}","inalterada":true,"versao":"v1"}"#;
    let same_v2 = r#"{"request_id":"{id}","inalterada":true,"versao":"v2"}"#;
    let failed = r#"{"request_id":"{id}","status":"erro","codigo":"erro_interno","mensagem":"x"}"#;
    let part = r#"{"request_id":"{id}","versao":"v3","proxima":1,"postos":[{"id":1}]}"#;
    let rest = r#"{"request_id":"{id}","versao":"v3","postos":[{"id":4}]}"#;
    let same_v3 = r#"{"request_id":"{id}","inalterada":true,"versao":"v3"}"#;
    let page = "&limite=1";
    // Query, answers, the versions that are asked with, status, the last id of the list.
    for (query, answers, versions, status, last) in [
        ("", &[v1][..], &[None][..], 200, Some(1)),
        ("", &[same_v1], &[Some("v1")], 200, Some(1)),
        (page, &[v1], &[None], 200, Some(1)),
        ("&disponivel=true", &[v2], &[None], 200, Some(2)),
        ("", &[failed], &[Some("v1")], 500, None),
        ("", &[v2], &[Some("v1")], 200, Some(2)),
        ("", &[same_v2], &[Some("v2")], 200, Some(2)),
        (page, &[same_v1], &[Some("v1")], 200, Some(1)),
        // It confirms what was not asked.
        ("", &[same_v1], &[Some("v2")], 500, None),
        ("", &[old], &[Some("v2")], 200, Some(3)),
        ("", &[old], &[None], 200, Some(3)),
        ("", &[same_v1], &[None], 500, None),
        // A list in pages, confirmed as a whole by the first.
        ("", &[part, rest], &[None, None], 200, Some(4)),
        ("", &[same_v3], &[Some("v3")], 200, Some(4)),
        ("", &[part, rest], &[Some("v3"), None], 200, Some(4)),
    ] {
        let (got, listed, _, asked) = list(&mut newer, query, answers).await;
        let shown = format!("{query} {answers:?}: {listed}");
        assert_eq!(got, status, "{shown}");
        let sent: Vec<_> = asked.iter().map(|asked| asked["versao"].as_str()).collect();
        assert_eq!(sent, versions, "{shown}");
        let postos = listed["postos"].as_array().and_then(|postos| postos.last());
        assert_eq!(postos.map(|posto| posto["id"].clone()), last.map(Value::from), "{shown}");
        if answers == [same_v1] && got == 200 {
            assert_eq!((&listed["versao"], &listed["novo"]), (&json!("v1"), &json!({"n": [1]})));
        }
    }
    let silent = newer.client.get("/postos?server_id=server9").await;
    assert_eq!(silent.verdict(), (504, "tempo_esgotado"), "nothing is given without its word");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_caller_is_answered_by_a_question_that_was_sent_before_it_came() {
    let mut newer = Newer::start().await;
    let client = std::sync::Arc::new(newer.client.url("/postos?server_id=server9"));
    let ask = || {
        let url = std::sync::Arc::clone(&client);
        tokio::spawn(async move {
            let answer = reqwest::get(&*url).await.expect("an answer");
            answer.json::<Value>().await.expect("JSON")
        })
    };
    let early = ask();
    let first = newer.servidor.next(LIST).await;
    let late: Vec<_> = (0..10).map(|_| ask()).collect();
    // The questions of the later callers; the first one is answered last, with an older list.
    let answer_all = async {
        loop {
            newer.answer(LIST, LISTED, r#"{"request_id":"{id}","versao":"b","postos":[]}"#).await;
        }
    };
    let later = async {
        let mut ids = Vec::new();
        for caller in late {
            let listed = caller.await.expect("no panic");
            assert_eq!(listed["versao"], "b");
            ids.push(listed["request_id"].to_string());
        }
        ids
    };
    let mut ids = tokio::select! {
        ids = later => ids,
        () = answer_all => unreachable!("it answers for ever"),
    };
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10, "each caller has its own id");
    let id = first["request_id"].as_str().expect("an id");
    let older = format!(r#"{{"request_id":"{id}","versao":"a","postos":[]}}"#);
    newer.servidor.publish(LISTED, older).await;
    assert_eq!(early.await.expect("no panic")["versao"], "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_when_a_form_may_be_sent_again_that_a_busy_servidor_refused() {
    let mut newer = Newer::start().await;
    let request = newer.client.request(reqwest::Method::POST, "/reserva");
    let form = request
        .header("content-type", "application/x-www-form-urlencoded")
        .body("server_id=server9&request_id=r1&acao=cancelar");
    let asking = tokio::spawn(async move { form.send().await.expect("an answer") });
    let busy = r#"{"request_id":"{id}","status":"erro","codigo":"sobrecarregado","mensagem":"x"}"#;
    newer.answer(CANCEL, CANCELLED, busy).await;
    let reserva = r#"{"request_id":"{id}","status":"sucesso","mensagem":"x","reserva":{"posto_id":5,
        "placa":"ABC1234","inicio":"2026-11-23T12:00:00.000Z","fim":"2026-11-24T12:00:00.000Z",
        "status":"ativa","preco_kwh":2.5}}"#;
    newer.answer(CONSULT, CONSULTED, reserva).await;
    let page = asking.await.expect("no panic");
    assert_eq!(page.status(), 503);
    assert!(page.headers().contains_key("retry-after"), "{:?}", page.headers());
    assert!(page.text().await.expect("a page").contains("article id=\"reserva\""));
}
