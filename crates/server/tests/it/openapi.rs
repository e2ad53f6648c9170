//! The OpenAPI document of the admin API.

use serde_json::Value;

use crate::running::Running;

fn document() -> Value {
    serde_json::to_value(server::openapi()).expect("a document")
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

#[test]
fn every_operation_has_a_tag_a_summary_and_its_errors() {
    let document = document();
    let mut ids = std::collections::HashSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let shown = format!("{method} {path}");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{shown}");
            assert!(operation["summary"].is_string(), "{shown} has no summary");
            let mut errors = vec!["500"];
            if path != "/healthz" {
                errors.push("503");
            }
            if operation["parameters"].is_array() || operation["requestBody"].is_object() {
                errors.push("422");
            }
            if path.contains('{') {
                errors.push("404");
            }
            if operation["requestBody"].is_object() {
                errors.extend(["413", "415"]);
            }
            for status in errors {
                let schema = &operation["responses"][status]["content"]["application/json"];
                let schema = &schema["schema"]["$ref"];
                // An error with the cells that are wrong.
                let is_file = (path.as_str(), status) == ("/postos/importar", "422");
                let right = if is_file { "NotImportedReply" } else { "ErrorReply" };
                let right = format!("#/components/schemas/{right}");
                assert_eq!(*schema, right, "{shown}: {status}");
            }
            let responses = operation["responses"].as_object().expect("responses");
            for (status, response) in responses {
                assert!(response["description"].is_string(), "{shown}: {status} is not described");
            }
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            assert!(ids.insert(id), "{shown} has the id of another operation");
        }
    }
}

#[tokio::test]
async fn every_operation_is_a_route() {
    let running = Running::fresh().await;
    let document = document();
    let mut routes = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let method = method.to_uppercase().parse().expect("a method");
            let path = path.replace(['{', '}'], "");
            let answer = running.send(running.request(method, &path)).await;
            let codigo = answer.json["codigo"].as_str().unwrap_or_default();
            assert!(!["rota_inexistente", "metodo_nao_permitido"].contains(&codigo), "{path}");
            routes += 1;
        }
    }
    assert!(routes > 0);
    running.stop().await;
}

#[test]
fn no_schema_is_empty() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        let whole =
            ["properties", "enum", "allOf", "oneOf"].iter().any(|key| !schema[key].is_null());
        let text = schema["type"] == "string" && schema.as_object().is_some_and(|s| s.len() > 1);
        assert!(whole || text, "{name} is empty: {schema}");
    }
}

#[test]
fn everything_is_described() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        assert!(schema["description"].is_string(), "{name} is not described");
        for part in schema["allOf"].as_array().into_iter().flatten().chain([schema]) {
            for (field, property) in part["properties"].as_object().into_iter().flatten() {
                // An optional reference may be described where it refers.
                let described = [&property["description"], &property["oneOf"][0]["description"]];
                let described = described.iter().any(|description| description.is_string());
                assert!(described, "{name}.{field} is not described");
            }
        }
    }
    for operation in document["paths"].as_object().expect("paths").values() {
        let operations = operation.as_object().expect("operations").values();
        for parameter in operations.flat_map(|one| one["parameters"].as_array()).flatten() {
            assert!(parameter["description"].is_string(), "{parameter} is not described");
        }
    }
}
