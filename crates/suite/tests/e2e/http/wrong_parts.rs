//! What is wrong with the query of a request and what is wrong with its body are named together.

use serde_json::json;

use crate::harness::{Answer, World};

/// Its body is a file.
const OF_FILES: [&str; 1] = ["/postos/importar"];

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_names_what_is_wrong_in_its_query_and_in_its_body_at_once() {
    let world = World::new().await;
    let (server, client) = world.pair().await;
    for (program, least) in [(&server, 12), (&client, 4)] {
        let mut checked = 0;
        let document = program.get("/openapi.json").await.json;
        for (path, item) in document["paths"].as_object().expect("paths") {
            if OF_FILES.contains(&path.as_str()) {
                continue;
            }
            for method in item.as_object().expect("operations").keys().filter(|name| *name != "get")
            {
                let method = method.to_uppercase().parse().expect("a method");
                let path = path.replace("{placa}", "ABC1234").replace("{request_id}", "x");
                let path = path.replace("{nome}", "name").replace("{id}", "1");
                let path = path.replace("{carregamento_id}", "1");
                let request = program.request(method, &format!("{path}?parametro_a_mais=1"));
                let answer = Answer::of(request.json(&json!({"campo_a_mais": 1}))).await;
                assert_eq!(answer.verdict(), (422, "requisicao_invalida"), "{path}: {answer:?}");
                let campos = answer.json["campos"].as_array().cloned().unwrap_or_default();
                for campo in ["parametro_a_mais", "campo_a_mais"] {
                    let is_named = campos.iter().any(|one| one["campo"] == campo);
                    assert!(is_named, "{path}: {campos:?}");
                    let mensagem = answer.json["mensagem"].as_str().unwrap_or_default();
                    assert!(mensagem.contains(campo), "{path}: {mensagem}");
                }
                checked += 1;
            }
        }
        assert!(checked >= least, "{checked} of {least}");
    }
}
