//! Changes of reservas and estimates, through the real programs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, PlainClient, Program, World, eventually, payload, seed_payload};

const KEY: &str = "0d9f2f5e-6a43-4b0e-8a55-2f4d6c1b7e90";

fn path(request_id: &str) -> String {
    format!("/reservas/{request_id}?server_id=server1")
}

async fn change_once(client: &Program, key: &str, request_id: &str, body: &Value) -> Answer {
    let request = client.request(Method::PATCH, &path(request_id)).json(body);
    Answer::of(request.header("Idempotency-Key", key)).await
}

/// In so many hours from now, in RFC 3339.
fn in_hours(hours: i64) -> String {
    let now = service::now().as_millis();
    protocol::Timestamp::clamped(now + hours * 3_600_000).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_change_gets_its_first_answer_through_any_gateway_and_restart() {
    let world = World::new().await;
    let (server, first) = world.pair().await;
    let second = world.client("cliente2").await;
    second.sees("server1", "online").await;
    let mut listener =
        PlainClient::subscribe(&world, "listener", &["client/cliente1/reservas/status"]).await;
    let made = first.reservar_once(KEY, &seed_payload()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let id = made.request_id();
    // The same key names another request in another call.
    let moved = change_once(&first, KEY, &id, &json!({"posto_id": 6})).await;
    assert_eq!(moved.status, 200, "{moved:?}");
    assert_ne!(moved.request_id(), id);
    let reserva = &moved.json["reserva"];
    assert_eq!((&reserva["posto_id"], &reserva["versao"]), (&json!(6), &json!(2)));
    for stays in ["id", "placa", "inicio", "fim", "status", "desde"] {
        assert_eq!(reserva[stays], made.json["reserva"][stays], "{stays}");
    }
    assert_eq!(
        moved.json["mensagem"],
        "A reserva 1 do posto Ponto 6 para o carro de placa ABC1234 foi alterada."
    );
    assert_eq!(moved.json["estimativa"]["energia_kwh"], 22.2);
    let event = listener.next("client/cliente1/reservas/status").await;
    assert_eq!((&event["posto_id"], &event["versao"]), (&json!(6), &json!(2)));
    assert_eq!(event["request_id"], id.as_str(), "its own request, not that of the change");
    let listed = first.get("/postos?server_id=server1&disponivel=false").await;
    let held: Vec<_> = listed.json["postos"].as_array().expect("a list").iter().collect();
    assert_eq!((held.len(), &held[0]["id"]), (1, &json!(6)));
    // A second change, by another gateway.
    let fim = in_hours(10);
    let shorter = second.patch(&path(&id), &json!({"fim": fim})).await;
    assert_eq!(shorter.status, 200, "{shorter:?}");
    assert_eq!(
        (&shorter.json["reserva"]["fim"], &shorter.json["reserva"]["versao"]),
        (&json!(fim), &json!(3))
    );
    let again = change_once(&second, KEY, &id, &json!({"posto_id": 6.0})).await;
    assert_eq!(again.json, moved.json);
    server.kill().await;
    let server = world.server("server1").await;
    second.ready().await;
    eventually("the servidor answers again", async || {
        change_once(&second, KEY, &id, &json!({"posto_id": 6})).await.json == moved.json
    })
    .await;
    first.sees("server1", "online").await;
    assert_eq!(first.reservar_once(KEY, &seed_payload()).await.json, made.json);
    // Another body, or another reserva.
    let other = first.reservar(&payload("XYZ9876", 7)).await.request_id();
    for (id, body) in [(&id, json!({"posto_id": 8})), (&other, json!({"posto_id": 6}))] {
        let reused = change_once(&first, KEY, id, &body).await;
        assert_eq!(reused.verdict(), (422, "chave_idempotencia_reutilizada"), "{body}");
    }
    // What became of it, as after a 504.
    let settled = second.get(&path(&moved.request_id())).await;
    assert_eq!((settled.status, &settled.json["reserva"]["versao"]), (200, &json!(3)));
    let mensagem = settled.json["mensagem"].as_str().expect("a text");
    assert!(
        mensagem.starts_with("A alteração foi feita. A reserva 1 do posto Ponto 6"),
        "{mensagem}"
    );
    // It is no request of a reserva.
    let by_change = first.patch(&path(&moved.request_id()), &json!({"posto_id": 9})).await;
    assert_eq!(by_change.verdict(), (404, "reserva_inexistente"));
    let followed = first.get(&path(&moved.request_id()).replace('?', "/eventos?")).await;
    assert_eq!(followed.verdict(), (404, "reserva_inexistente"));
    let id_of_change = moved.request_id();
    let sentence = format!(
        "O request_id {id_of_change} é de uma alteração, e não de uma reserva. Use o da reserva."
    );
    assert_eq!(followed.json["mensagem"], sentence);
    let reservas = server.get("/reservas").await.json;
    assert_eq!(reservas["reservas"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_change_has_its_status_code_and_stays_the_answer() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let id = client.reservar(&seed_payload()).await.request_id();
    assert_eq!(client.reservar(&payload("XYZ9876", 6)).await.status, 200);
    assert_eq!(client.reservar(&payload("ABC1234", 7)).await.status, 200);
    server.put("/postos/8/disponibilidade", &json!({"disponivel": false})).await;
    let maintained = json!({"disponivel": false, "em_manutencao": true});
    server.put("/postos/9/disponibilidade", &maintained).await;
    let mut refused = Vec::new();
    for (number, (body, verdict)) in [
        (json!({"posto_id": 99}), (404, "posto_inexistente")),
        (json!({"posto_id": 6}), (409, "posto_reservado")),
        (json!({"posto_id": 7}), (409, "posto_ja_reservado_para_este_carro")),
        (json!({"posto_id": 8}), (409, "posto_indisponivel")),
        (json!({"posto_id": 9}), (409, "posto_em_manutencao")),
        (json!({"inicio": in_hours(1)}), (422, "requisicao_invalida")),
        (json!({"fim": in_hours(-1)}), (422, "requisicao_invalida")),
        (json!({"fim": in_hours(32 * 24)}), (422, "requisicao_invalida")),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("{KEY}-{number}");
        let answer = change_once(&client, &key, &id, &body).await;
        assert_eq!(answer.verdict(), verdict, "{body}: {answer:?}");
        refused.push((key, body, answer.json));
    }
    let kept = client.get(&path(&id)).await.json["reserva"].clone();
    assert_eq!((&kept["posto_id"], &kept["versao"]), (&json!(5), &json!(1)));
    for body in [json!({}), json!({"fim": null}), json!({"posto_id": "6"}), json!({"posto": 6})] {
        let answer = client.patch(&path(&id), &body).await;
        assert_eq!(answer.verdict(), (422, "requisicao_invalida"), "{body}");
    }
    let unknown = client.patch(&path("nunca-vista"), &json!({"posto_id": 6})).await;
    assert_eq!(unknown.verdict(), (404, "reserva_inexistente"));
    let settled = client.get(&path(&unknown.request_id())).await;
    assert_eq!(settled.verdict(), (404, "reserva_inexistente"));
    assert_eq!(
        settled.json["mensagem"],
        "A alteração não foi feita: a reserva que ela nomeia não existe no servidor server1"
    );
    let cancelled = client.post(&path(&id).replace('?', "/cancelar?"), &json!(null)).await;
    assert_eq!(cancelled.status, 200);
    let ended = client.patch(&path(&id), &json!({"posto_id": 10})).await;
    assert_eq!(ended.verdict(), (409, "reserva_encerrada"));
    let settled = client.get(&path(&ended.request_id())).await;
    assert_eq!(settled.verdict(), (409, "reserva_encerrada"));
    let followed = client.get(&path(&ended.request_id()).replace('?', "/eventos?")).await;
    assert_eq!(followed.verdict(), (404, "reserva_inexistente"), "a change is not followed");
    for (key, body, first) in refused {
        assert_eq!(change_once(&client, &key, &id, &body).await.json, first, "{body}");
        let request_id = first["request_id"].as_str().expect("its own id");
        let settled = client.get(&path(request_id)).await.json;
        assert_eq!(
            (&settled["codigo"], &settled["mensagem"]),
            (&first["codigo"], &first["mensagem"])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_reserves_nothing_and_is_not_refused_for_what_is_held() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    let estimate = async |body: &Value| client.post("/estimativa", body).await;
    let free = estimate(&seed_payload()).await;
    assert_eq!(free.status, 200, "{free:?}");
    assert_eq!(
        free.json["estimativa"],
        json!({"energia_kwh": 22.2, "minutos": 61, "custo": 55.5, "preco_kwh": 2.5,
            "autonomia_km": 117.4})
    );
    assert_eq!(free.json["disponivel_no_periodo"], true);
    let keys: Vec<&String> = free.json.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["request_id", "status", "mensagem", "estimativa", "disponivel_no_periodo"]);
    assert_eq!(server.get("/reservas").await.json["reservas"], json!([]));
    assert_eq!(server.get("/carros/ABC1234").await.status, 404, "nothing is stored");
    assert_eq!(client.get(&path(&free.request_id())).await.status, 404);
    assert_eq!(client.reservar(&payload("XYZ9876", 5)).await.status, 200);
    server.put("/postos/6/disponibilidade", &json!({"disponivel": false})).await;
    for posto_id in [5, 6] {
        let held = estimate(&payload("ABC1234", posto_id)).await;
        assert_eq!((held.status, &held.json["disponivel_no_periodo"]), (200, &json!(false)));
    }
    for posto_id in 7..10 {
        assert_eq!(client.reservar(&payload("ABC1234", posto_id)).await.status, 200);
    }
    let over_the_limit = estimate(&payload("ABC1234", 10)).await;
    assert_eq!(over_the_limit.json["disponivel_no_periodo"], true);
    let missing = estimate(&payload("ABC1234", 99)).await;
    assert_eq!(missing.verdict(), (404, "posto_inexistente"));
    let mut wrong = seed_payload();
    wrong["fim"] = json!(in_hours(-1));
    assert_eq!(estimate(&wrong).await.verdict(), (422, "requisicao_invalida"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_mqtt_clients_change_and_estimate() {
    let world = World::new().await;
    let server = world.server("server1").await;
    server.ready().await;
    let [made, changed, estimated] = ["reserva", "reserva/alteracao", "estimativa"]
        .map(|path| format!("client/app1/postos/{path}/response"));
    let topics = [made.as_str(), &changed, &estimated, "client/app1/reservas/status"];
    let mut app = PlainClient::subscribe(&world, "app1", &topics).await;
    let reserve = |request_id: &str, placa: &str, posto_id: i64| {
        json!({"request_id": request_id, "client_id": "app1", "server_id": "server1",
            "carro": {"placa": placa, "modelo": "BYD Dolphin", "capacidade_bateria": 44.5,
                "nivel_bateria_atual": 22.3, "taxa_descarga": 0.19},
            "posto_id": posto_id})
    };
    app.publish("server/postos/estimativa", reserve("e1", "ABC1234", 5)).await;
    let answer = app.next(&estimated).await;
    assert_eq!(
        (&answer["request_id"], &answer["disponivel_no_periodo"]),
        (&json!("e1"), &json!(true))
    );
    app.publish("server/postos/reserva", reserve("r1", "ABC1234", 5)).await;
    assert_eq!(app.next(&made).await["status"], "sucesso");
    app.publish("server/postos/reserva", reserve("r2", "XYZ9876", 6)).await;
    assert_eq!(app.next(&made).await["status"], "sucesso");
    let change = |request_id: &str, of: &str, posto_id: Value| {
        json!({"request_id": request_id, "client_id": "app1", "server_id": "server1",
            "reserva_request_id": of, "posto_id": posto_id})
    };
    app.publish("server/postos/reserva/alteracao", change("c1", "r1", json!(7))).await;
    let answer = app.next(&changed).await;
    assert_eq!((&answer["request_id"], &answer["reserva"]["posto_id"]), (&json!("c1"), &json!(7)));
    let event = app.next("client/app1/reservas/status").await;
    assert_eq!((&event["request_id"], &event["posto_id"]), (&json!("r1"), &json!(7)));
    // Independent of each other, in one message: a repeat, one that the first makes room for, one
    // that is wrong, one that uses the id of a reserva.
    let array = json!([
        change("c1", "r1", json!(7)),
        change("c2", "r2", json!(5)),
        change("c3", "r2", json!(null)),
        change("r1", "r2", json!(8)),
    ]);
    app.publish("server/server1/postos/reserva/alteracao", array).await;
    let mut answers = Vec::new();
    while answers.len() < 4 {
        answers.extend(app.next(&changed).await.as_array().expect("an array").clone());
    }
    let of =
        |id: &str| answers.iter().find(|answer| answer["request_id"] == id).expect("an answer");
    assert_eq!(of("c1"), &answer);
    assert_eq!(of("c2")["reserva"]["posto_id"], 5);
    assert_eq!(of("c3")["codigo"], "requisicao_invalida");
    assert_eq!(of("r1")["codigo"], "chave_idempotencia_reutilizada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_caller_has_gone_is_not_made_and_is_settled_by_its_own_id() {
    let world = World::new().await;
    let server = world.server("server1").await;
    let client = world.client_with("cliente1", &[("TEMPO_LIMITE_RESERVA", "2")]).await;
    client.sees("server1", "online").await;
    let made = client.reservar(&seed_payload()).await;
    server.freeze();
    let open = change_once(&client, KEY, &made.request_id(), &json!({"posto_id": 6})).await;
    assert_eq!(open.verdict(), (504, "tempo_esgotado"));
    let settle = format!("GET {}", path(&open.request_id()));
    assert!(open.json["mensagem"].as_str().is_some_and(|text| text.contains(&settle)), "{open:?}");
    server.thaw();
    eventually("the servidor answers again", async || {
        client.get("/postos?server_id=server1").await.status == 200
    })
    .await;
    let settled = client.get(&path(&open.request_id())).await;
    assert_eq!(settled.verdict(), (404, "reserva_inexistente"));
    assert_eq!(client.get(&path(&made.request_id())).await.json["reserva"]["posto_id"], 5);
    // What is read right after a standstill may be as old as that.
    eventually("the change is made, under the same id", async || {
        let again = change_once(&client, KEY, &made.request_id(), &json!({"posto_id": 6})).await;
        assert_eq!(again.request_id(), open.request_id());
        again.status == 200
    })
    .await;
}
