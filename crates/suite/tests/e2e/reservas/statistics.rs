//! What an operator reads of what has happened, after a restart and after people were forgotten.

use serde_json::{Value, json};

use crate::harness::{World, payload};

const DAYS: &str = "/estatisticas?por_posto=true";

/// Without when it was counted, and without the hours that pass meanwhile.
fn lasting(answer: &Value) -> Value {
    let of = |numeros: &Value| {
        let mut numeros = numeros.as_object().expect("numbers").clone();
        numeros.retain(|name, _| !name.starts_with("horas") && !name.ends_with("acao"));
        Value::Object(numeros)
    };
    let postos = answer["postos"].as_array().expect("postos").iter();
    let postos: Vec<_> =
        postos.map(|posto| json!([posto["nome"], of(&posto["numeros"])])).collect();
    json!([of(&answer["total"]), postos])
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_happened_is_counted_and_outlives_what_it_counts() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    // Two carros come, and the third one cancels.
    let made = client.reservar(&payload("ABC1234", 5)).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert_eq!(client.reservar(&payload("DEF5678", 6)).await.status, 200);
    let third = client.reservar(&payload("GHI9012", 7)).await.request_id();
    let cancel = format!("/reservas/{third}/cancelar?server_id=server1");
    assert_eq!(client.post(&cancel, &json!({})).await.status, 200);
    for (placa, posto, kwh) in [("ABC1234", 5, 10.5), ("DEF5678", 6, 0.3), ("XYZ9876", 8, 1.25)] {
        let path = format!("/postos/{posto}/carregamentos");
        let started = server.post(&path, &json!({"placa": placa})).await;
        assert_eq!(started.status, 201, "{started:?}");
        let ended = json!({"energia_fornecida": kwh, "confirmado": true});
        let ended = server.put(&format!("{path}/{}", started.json["id"]), &ended).await;
        assert_eq!(ended.status, 200, "{ended:?}");
    }
    // Refused by the servidor, each once; a repeat of a request is no other one.
    assert_eq!(client.reservar(&payload("ABC1234", 1)).await.status, 200);
    for key in ["a key of one request", "a key of one request", "a key of another request"] {
        let refused = client.reservar_once(key, &payload("XYZ9876", 1)).await;
        assert_eq!(refused.verdict(), (409, "posto_reservado"));
    }
    let none = client.reservar(&payload("XYZ9876", 99)).await;
    assert_eq!(none.verdict(), (404, "posto_inexistente"));
    let late = client.post(&cancel.replace(&third, "nunca-vista"), &json!({})).await;
    assert_eq!(late.verdict(), (404, "reserva_inexistente"));
    let path = format!("/reservas/{}?server_id=server1", made.request_id());
    let ended = client.patch(&path, &json!({"posto_id": 9})).await;
    assert_eq!(ended.verdict(), (409, "reserva_encerrada"));

    let answer = server.get(DAYS).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let total = &answer.json["total"];
    // 10.5, 0.3 and 1.25 kWh at 2.50: half a centavo up.
    assert_eq!((&total["energia_fornecida"], &total["custo"]), (&json!(12.05), &json!(30.13)));
    assert_eq!(total["carregamentos"], 3);
    let reservas = &total["reservas"];
    let ended = ["feitas", "cumprida", "cancelada"].map(|name| reservas[name].clone());
    assert_eq!(json!(ended), json!([4, 2, 1]));
    assert_eq!(reservas["motivos"]["pedido"], 1);
    let refused = json!({"posto_reservado": 2, "posto_inexistente": 1, "reserva_inexistente": 1,
        "reserva_encerrada": 1});
    assert_eq!(total["recusas"], refused);
    let hours = |name: &str| total[name].as_f64().expect("hours");
    assert!(
        hours("horas_em_servico") > 0.0 && hours("horas_em_servico") <= hours("horas_de_posto")
    );
    let passos = answer.json["passos"].as_array().expect("steps");
    let costs = passos.iter().map(|passo| passo["numeros"]["custo"].as_f64().expect("a cost"));
    assert_eq!((passos.len(), costs.sum::<f64>()), (7, 30.13), "by day, one of them");

    let counted = lasting(&answer.json);
    for carro in ["DEF5678", "GHI9012", "XYZ9876"] {
        let forgotten = server.delete(&format!("/carros/{carro}")).await;
        assert_eq!(forgotten.status, 204, "{carro}: {forgotten:?}");
    }
    assert_eq!(server.delete("/postos/8").await.status, 204);
    server.kill().await;
    let server = world.server("server1").await;
    assert_eq!(lasting(&server.get(DAYS).await.json), counted);
}
