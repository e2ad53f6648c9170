//! Postos: listing, creating, changing, disponibilidade, removing.

use serde_json::json;

use crate::running::Running;
use crate::support::reservation;

#[tokio::test]
async fn a_listing_can_be_filtered() {
    let server = Running::fresh().await;
    for (path, ids) in [
        ("/postos", vec![1, 2, 3]),
        ("/postos?disponivel=true", vec![1]),
        ("/postos?disponivel=false", vec![2, 3]),
        ("/postos?em_manutencao=true", vec![2]),
        ("/postos?em_manutencao=0&disponivel=0", vec![3]),
        ("/postos?em_manutencao=true&disponivel=true", vec![]),
    ] {
        assert_eq!(server.get(path).await.column("postos", "id"), ids, "{path}");
    }
    for (path, campos) in [
        ("/postos?disponivell=true", ["disponivell"]),
        ("/postos/1?cor=azul", ["cor"]),
        ("/postos/1/carregamentos?placa=ABC1234", ["placa"]),
        ("/carros/ABC1234?Placa=ABC1234", ["Placa"]),
        ("/status?x=1", ["x"]),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.campos()), (422, campos.to_vec()), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_new_posto_has_the_defaults_and_an_address() {
    let server = Running::fresh().await;
    let body = json!({"nome": " Praça da Sé ", "localizacao": "-23.5503, -46.6342"});
    let created = server.post("/postos", &body).await;
    assert_eq!((created.status, created.header("location")), (201, "postos/4"));
    let posto = json!({
        "id": 4, "nome": "Praça da Sé", "localizacao": "-23.5503,-46.6342",
        "potencia_maxima": 22.0, "tipo_conector": "CCS", "preco_kwh": 2.5,
        "disponivel": true, "em_manutencao": false,
        "operador": {"disponivel": true, "em_manutencao": false}, "carregador": null
    });
    assert_eq!(created.json, posto);
    assert_eq!(server.get("/postos/4").await.json, posto);

    let whole = json!({
        "nome": "Rápido", "localizacao": "90,180", "potencia_maxima": 150, "tipo_conector": "CHAdeMO",
        "preco_kwh": 0, "disponivel": false, "em_manutencao": true
    });
    let created = server.post("/postos/", &whole).await;
    assert_eq!(
        created.header("location"),
        "../postos/5",
        "relative to the address as it was typed"
    );
    assert_eq!(
        created.json,
        json!({
            "id": 5, "nome": "Rápido", "localizacao": "90,180", "potencia_maxima": 150.0,
            "tipo_conector": "CHAdeMO", "preco_kwh": 0.0, "disponivel": false,
            "em_manutencao": true, "operador": {"disponivel": false, "em_manutencao": true},
            "carregador": null
        })
    );
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_posto_is_named_and_nothing_is_made() {
    let server = Running::fresh().await;
    let wrong = json!({
        "nome": "", "localizacao": "91,0", "potencia_maxima": 0, "tipo_conector": "x".repeat(41),
        "preco_kwh": -1, "disponivel": "sim", "em_manutencao": 1
    });
    let campos = [
        "nome",
        "localizacao",
        "potencia_maxima",
        "tipo_conector",
        "preco_kwh",
        "disponivel",
        "em_manutencao",
    ];
    let refused = server.post("/postos", &wrong).await;
    assert_eq!(refused.verdict(), (422, "requisicao_invalida"));
    assert_eq!(refused.campos(), campos);
    assert_eq!(server.patch("/postos/1", &wrong).await.campos(), campos);
    assert_eq!(server.post("/postos", &json!({})).await.campos(), ["nome", "localizacao"]);
    assert_eq!(
        server.get("/postos").await.column("postos", "nome"),
        ["Ponto 1", "Ponto 2", "Ponto 3"]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_change_leaves_the_rest_as_it_was() {
    let server = Running::fresh().await;
    let mut posto = server.get("/postos/1").await.json;
    assert_eq!(server.patch("/postos/1", &json!({})).await.json, posto);
    let mistyped = server.patch("/postos/1", &json!({"preço_kwh": 9, "nome": "Praça"})).await;
    assert_eq!((mistyped.status, mistyped.campos()), (422, vec!["preço_kwh"]));
    assert_eq!(server.get("/postos/1").await.json, posto, "nothing has changed");
    assert_eq!(server.patch("/postos/1", &json!({"nome": null})).await.json, posto);
    let changed = server.patch("/postos/1", &json!({"preco_kwh": 2.7, "nome": "Praça"})).await;
    posto["preco_kwh"] = json!(2.7);
    posto["nome"] = json!("Praça");
    assert_eq!((changed.status, changed.json), (200, posto.clone()));
    assert_eq!(server.get("/postos/1").await.json, posto);
    server.stop().await;
}

#[tokio::test]
async fn a_posto_is_put_in_and_out_of_service() {
    let server = Running::fresh().await;
    let path = "/postos/1/disponibilidade";
    for (body, disponivel, em_manutencao) in [
        (json!({"disponivel": false}), false, false),
        (json!({"disponivel": true}), true, false),
        (json!({"disponivel": true, "em_manutencao": true}), false, true),
        // Left out, em_manutencao stays as it is.
        (json!({"disponivel": true}), false, true),
        (json!({"disponivel": true, "em_manutencao": false}), true, false),
    ] {
        let answer = server.put(path, &body).await;
        let state = (&answer.json["disponivel"], &answer.json["em_manutencao"]);
        assert_eq!(state, (&json!(disponivel), &json!(em_manutencao)), "{body}");
        // Of the operator it is shown whether the posto is in service, even if it is not usable.
        let operador = json!({"disponivel": body["disponivel"], "em_manutencao": em_manutencao});
        assert_eq!(answer.json["operador"], operador, "{body}");
    }
    // No charger has said anything yet.
    let posto = server.get("/postos/1").await.json;
    let forgotten = server.delete("/postos/1/carregador").await;
    assert_eq!((forgotten.status, &forgotten.json), (200, &posto));
    let unknown = server.delete("/postos/99/carregador").await;
    assert_eq!(unknown.verdict(), (404, "posto_inexistente"));
    assert_eq!(
        server.put(path, &json!({"em_manutencao": "x"})).await.campos(),
        ["disponivel", "em_manutencao"]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_removed_posto_and_its_id_do_not_come_back() {
    let server = Running::fresh().await;
    let removed = server.delete("/postos/3").await;
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    assert_eq!(server.delete("/postos/3").await.verdict(), (404, "posto_inexistente"));
    assert_eq!(server.get("/postos/3").await.verdict(), (404, "posto_inexistente"));
    let created = server.post("/postos", &json!({"nome": "Outro", "localizacao": "0,0"})).await;
    assert_eq!(created.json["id"], 4);
    server.stop().await;
}

#[tokio::test]
async fn a_posto_in_use_is_not_removed() {
    let server = Running::with_reservas(vec![reservation("r1", "ABC1234", 1, None)]).await;
    assert_eq!(server.get("/postos/1").await.json["disponivel"], false);
    let refused = server.delete("/postos/1").await;
    assert_eq!(refused.verdict(), (409, "posto_em_uso"));
    assert_eq!(
        refused.mensagem(),
        "O posto Ponto 1 tem reservas e não pode ser removido. Cancele-as antes, ou repita com \
         reservas=mover ou reservas=cancelar."
    );

    assert_eq!(server.post("/reservas/1/cancelar", &json!({})).await.status, 200);
    let session = server.post("/postos/1/carregamentos", &json!({"placa": "ABC1234"})).await;
    assert_eq!(session.status, 201);
    assert_eq!(server.delete("/postos/1").await.verdict(), (409, "posto_em_uso"));

    let energia = json!({"energia_fornecida": 1, "confirmado": true});
    assert_eq!(server.put("/postos/1/carregamentos/1", &energia).await.status, 200);
    assert_eq!(server.delete("/postos/1").await.status, 204);
    server.stop().await;
}
