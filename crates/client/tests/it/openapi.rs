//! The OpenAPI document of the gateway.

use serde_json::Value;

use crate::running::Running;

fn document() -> Value {
    serde_json::to_value(client::openapi()).expect("a document")
}

#[test]
fn the_document_is_as_it_was_published() {
    // Sorted: whether serde_json keeps an order depends on which crates are built with it.
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(document());
    });
}

#[test]
fn it_is_openapi_3_1() {
    assert_eq!(document()["openapi"], "3.1.0");
}

#[tokio::test]
async fn every_operation_is_a_route() {
    let running = Running::start().await;
    let document = document();
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let method = method.to_uppercase().parse().expect("a method");
            let path = path.replace(['{', '}'], "");
            routes += 1;
            let request = running.request(method, &path);
            if path == "/eventos" {
                // It does not end.
                let answer = request.send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                continue;
            }
            let answer = running.send(request).await;
            let codigo = answer.json["codigo"].as_str().unwrap_or_default();
            assert!(!["rota_inexistente", "metodo_nao_permitido"].contains(&codigo), "{path}");
        }
    }
    assert!(routes > 0);
    running.stop().await;
}
