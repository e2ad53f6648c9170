//! Taking postos out of service and away, and what the answers say of their reservas.

use serde_json::{Value, json};

use crate::running::Running;
use crate::support::reservation;

/// Postos 1, 2 and 3 in service, 2 nearer to 1 than 3, and a reserva of posto 1 from now on.
async fn reserved() -> Running {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    let on = json!({"disponivel": true, "em_manutencao": false});
    for posto_id in [2, 3] {
        let path = format!("/postos/{posto_id}/disponibilidade");
        let answer = server.put(&path, &on).await;
        assert_eq!((answer.status, &answer.json["reservas"]), (200, &json!([])));
    }
    server
}

fn handled(reserva: &Value, resultado: &str, posto_id: i64) -> Value {
    json!({
        "id": 1, "placa": "ABC1234", "inicio": reserva["inicio"], "fim": reserva["fim"],
        "resultado": resultado, "posto_id": posto_id, "client_id": "cliente1"
    })
}

#[tokio::test]
async fn maintenance_answers_what_became_of_each_reserva() {
    let server = reserved().await;
    let path = "/postos/1/disponibilidade";
    let (reserva, posto) =
        (server.get("/reservas/1").await.json, server.get("/postos/1").await.json);
    let mut body = json!({
        "disponivel": false, "em_manutencao": true, "reservas": "mover", "simular": true
    });
    let simulated = server.put(path, &body).await;
    let mut expected = posto.clone();
    for member in ["disponivel", "em_manutencao"] {
        expected["operador"][member] = body[member].clone();
    }
    expected["disponivel"] = json!(false);
    expected["em_manutencao"] = json!(true);
    expected["reservas"] = json!([handled(&reserva, "movida", 2)]);
    assert_eq!((simulated.status, &simulated.json), (200, &expected));
    assert_eq!(server.get("/reservas/1").await.json, reserva, "nothing has changed");
    assert_eq!(server.get("/postos/1").await.json, posto, "nothing has changed");

    body["simular"] = json!(false);
    assert_eq!(server.put(path, &body).await.json, expected, "as it was foretold");
    let moved = server.get("/reservas/1").await.json;
    let mut as_expected = reserva.clone();
    as_expected["posto_id"] = json!(2);
    as_expected["versao"] = json!(2);
    assert_eq!(moved, as_expected, "all else stays as it was");
    assert_eq!(server.get("/postos/2").await.json["disponivel"], false);

    // By default it is kept.
    let kept = server.put("/postos/2/disponibilidade", &json!({"disponivel": false})).await;
    assert_eq!(kept.json["reservas"], json!([handled(&reserva, "mantida", 2)]));
    // The only posto that is left is in use.
    server.post("/postos/3/carregamentos", &json!({"placa": "XYZ9876"})).await;
    let body = json!({"disponivel": false, "reservas": "mover"});
    let left = server.put("/postos/2/disponibilidade", &body).await;
    let mut expected = handled(&reserva, "mantida", 2);
    expected["motivo"] = json!("sem_posto");
    assert_eq!(left.json["reservas"], json!([expected]));
    let before = json!({"disponivel": false, "reservas": "cancelar", "ate": reserva["inicio"]});
    let none = server.put("/postos/2/disponibilidade", &before).await;
    assert_eq!((none.status, &none.json["reservas"]), (200, &json!([])));
    let body = json!({"disponivel": false, "reservas": "cancelar"});
    let cancelled = server.put("/postos/2/disponibilidade", &body).await;
    assert_eq!(cancelled.json["reservas"], json!([handled(&reserva, "cancelada", 2)]));
    let cancelled = server.get("/reservas/1").await.json;
    let state = [&cancelled["status"], &cancelled["motivo"], &cancelled["versao"]];
    assert_eq!(state, [&json!("cancelada"), &json!("manutencao"), &json!(3)]);
    server.stop().await;
}

#[tokio::test]
async fn words_and_moments_that_are_none_are_named() {
    let server = reserved().await;
    for (body, campos) in [
        (json!({"disponivel": false, "reservas": "apagar"}), vec!["reservas"]),
        (json!({"disponivel": false, "ate": "amanhã", "simular": "x"}), vec!["ate", "simular"]),
        (json!({"reservas": "mover", "reserva": "mover"}), vec!["disponivel", "reserva"]),
    ] {
        let refused = server.put("/postos/1/disponibilidade", &body).await;
        let mut named = refused.campos();
        named.sort_unstable();
        assert_eq!((refused.status, named), (422, campos), "{body}: {}", refused.text);
    }
    for (query, campo) in
        [("reservas=apagar", "reservas"), ("simular=x", "simular"), ("ate=1", "ate")]
    {
        let refused = server.delete(&format!("/postos/1?{query}")).await;
        assert_eq!((refused.status, refused.campos()), (422, vec![campo]), "{query}");
    }
    let missing = server.put("/postos/99/disponibilidade", &json!({"disponivel": false})).await;
    assert_eq!(missing.verdict(), (404, "posto_inexistente"));
    assert_eq!(
        server.delete("/postos/99?reservas=mover").await.verdict(),
        (404, "posto_inexistente")
    );
    assert_eq!(server.get("/reservas/1").await.json["versao"], 1);
    server.stop().await;
}

#[tokio::test]
async fn a_posto_is_removed_with_its_reservas_moved_or_cancelled() {
    let server = reserved().await;
    let reserva = server.get("/reservas/1").await.json;
    for query in ["", "?reservas=manter", "?simular=true"] {
        let refused = server.delete(&format!("/postos/1{query}")).await;
        assert_eq!(refused.verdict(), (409, "posto_em_uso"), "{query}");
        assert_eq!(
            refused.mensagem(),
            "O posto Ponto 1 tem reservas e não pode ser removido. Cancele-as antes, ou repita com \
             reservas=mover ou reservas=cancelar."
        );
    }
    let simulated = server.delete("/postos/1?reservas=mover&simular=true").await;
    let moved = json!({"reservas": [handled(&reserva, "movida", 2)]});
    assert_eq!((simulated.status, &simulated.json), (200, &moved));
    assert_eq!(server.get("/reservas/1").await.json, reserva, "nothing has changed");
    let removed = server.delete("/postos/1?reservas=mover").await;
    assert_eq!((removed.status, &removed.json), (200, &moved));
    assert_eq!(server.get("/postos/1").await.verdict(), (404, "posto_inexistente"));

    server.put("/postos/3/disponibilidade", &json!({"disponivel": false})).await;
    let refused = server.delete("/postos/2?reservas=mover").await;
    assert_eq!(refused.verdict(), (409, "posto_em_uso"));
    assert_eq!(
        refused.mensagem(),
        "O posto Ponto 2 não foi removido: nenhum outro posto serve à reserva 1. \
         Cancele o que falta, ou repita com reservas=cancelar."
    );
    let looked_at = server.delete("/postos/2?reservas=mover&simular=true").await;
    let mut kept = handled(&server.get("/reservas/1").await.json, "mantida", 2);
    kept["motivo"] = json!("sem_posto");
    assert_eq!((looked_at.status, looked_at.json), (200, json!({"reservas": [kept]})));
    // While somebody charges there, nothing helps.
    server.post("/postos/2/carregamentos", &json!({"placa": "ABC1234"})).await;
    for query in ["", "?reservas=mover", "?reservas=cancelar"] {
        let refused = server.delete(&format!("/postos/2{query}")).await;
        assert_eq!(refused.verdict(), (409, "posto_em_uso"), "{query}");
        assert_eq!(
            refused.mensagem(),
            "Um carro está carregando no posto Ponto 2, que por isso não pode ser removido. Encerre \
             o carregamento antes."
        );
    }
    let unused = json!({"nome": "Outro", "localizacao": "-23.55,-46.63", "potencia_maxima": 22,
        "tipo_conector": "CCS", "preco_kwh": 2.5});
    let made = server.post("/postos", &unused).await;
    assert_eq!(made.status, 201, "{made:?}");
    let unused = format!("/postos/{}", made.json["id"]);
    let simulated = server.delete(&format!("{unused}?simular=true")).await;
    assert_eq!((simulated.status, simulated.json), (200, json!({"reservas": []})));
    let removed = server.delete(&format!("{unused}?simular=false")).await;
    assert_eq!((removed.status, removed.json), (204, json!(null)), "as without it");
    assert_eq!(server.delete("/postos/3?reservas=cancelar").await.json, json!({"reservas": []}));
    server.stop().await;
}

#[tokio::test]
async fn what_files_and_changes_of_a_posto_say_touches_no_reserva() {
    let server = reserved().await;
    let reserva = server.get("/reservas/1").await.json;
    let csv = "id,nome,latitude,longitude,status\n1,Ponto 1,-23.5505,-46.6333,em_manutencao\n";
    let import = server.request(reqwest::Method::POST, "/postos/importar");
    let import = import.header("content-type", "text/csv").body(csv);
    assert_eq!(server.send(import).await.json["alterados"], 1);
    assert_eq!(server.patch("/postos/1", &json!({"disponivel": false})).await.status, 200);
    assert_eq!(server.get("/postos/1").await.json["em_manutencao"], true);
    assert_eq!(server.get("/reservas/1").await.json, reserva);
    server.stop().await;
}
