//! The rules that both OpenAPI documents keep, for every operation and schema they have.

use std::collections::HashSet;

use protocol::Codigo;
use serde_json::Value;

/// Both documents, with the names of their programs.
pub(crate) fn documents() -> [(&'static str, Value); 2] {
    let json = |document| serde_json::to_value(document).expect("a document");
    [("client", json(client::openapi())), ("server", json(server::openapi()))]
}

/// Calls `check` with each operation of both documents, and a name for it.
pub(crate) fn each_operation(mut check: impl FnMut(&Value, &str, &Value)) {
    for (program, document) in documents() {
        let paths = document["paths"].as_object().expect("paths");
        assert!(!paths.is_empty());
        for (path, item) in paths {
            for (method, operation) in item.as_object().expect("operations") {
                check(&document, &format!("{program}: {method} {path}"), operation);
            }
        }
    }
}

fn each_schema(mut check: impl FnMut(&str, &Value)) {
    for (program, document) in documents() {
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            check(&format!("{program}: {name}"), schema);
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

const ERROR: &str = "#/components/schemas/ErrorReply";

/// Whether it is the schema of errors, or one that has all of that.
fn is_error(document: &Value, schema: &Value) -> bool {
    let Some(place) = schema["$ref"].as_str() else { return false };
    let parts = document.pointer(place.trim_start_matches('#')).map(|schema| &schema["allOf"]);
    place == ERROR || parts.is_some_and(|parts| list(parts).any(|part| part["$ref"] == ERROR))
}

#[test]
fn a_document_says_where_it_is_served_and_who_may_call() {
    for (program, document) in documents() {
        assert_eq!(document["servers"][0]["url"], ".", "{program}: relative to the document");
        assert_eq!(document["security"], serde_json::json!([]), "{program}");
        for field in ["/info/contact/name", "/info/license/url", "/info/description"] {
            assert!(document.pointer(field).is_some_and(Value::is_string), "{program}: {field}");
        }
        let description = document["info"]["description"].as_str().unwrap_or_default();
        for header in ["X-Request-Id", "1 a 128", "traceparent"] {
            assert!(description.contains(header), "{program}: {description}");
        }
        for tag in list(&document["tags"]) {
            assert!(tag["description"].is_string(), "{program}: {tag} is not described");
        }
    }
}

#[test]
fn every_operation_has_a_described_tag_a_summary_and_a_description() {
    let mut ids = HashSet::new();
    each_operation(|document, shown, operation| {
        let tags: Vec<_> = list(&operation["tags"]).collect();
        assert_eq!(tags.len(), 1, "{shown}: {tags:?}");
        let described = list(&document["tags"]).any(|tag| &tag["name"] == tags[0]);
        assert!(described, "{shown}: the tag {} is not in the list of tags", tags[0]);
        for field in ["summary", "description", "operationId"] {
            assert!(operation[field].is_string(), "{shown} has no {field}");
        }
        let program = shown.split(':').next();
        let id = (program.map(str::to_owned), operation["operationId"].to_string());
        assert!(ids.insert(id), "{shown} has the id of another operation");
    });
}

#[test]
fn every_operation_has_the_errors_of_its_kind() {
    each_operation(|document, shown, operation| {
        let mut errors = vec!["500"];
        if !shown.ends_with("/healthz") {
            errors.push("503");
        }
        if operation["parameters"].is_array() || operation["requestBody"].is_object() {
            errors.push("422");
        }
        if shown.contains('{') {
            errors.push("404");
        }
        if operation["requestBody"].is_object() {
            errors.extend(["413", "415"]);
        }
        for status in errors {
            let json = &operation["responses"][status]["content"]["application/json"];
            assert!(is_error(document, &json["schema"]), "{shown}: {status}");
        }
    });
}

#[test]
fn every_error_has_an_example_for_each_of_its_codes() {
    each_operation(|document, shown, operation| {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let json = &response["content"]["application/json"];
            let is_error = is_error(document, &json["schema"]);
            assert_eq!(is_error, !status.starts_with(['2', '3']), "{shown}: {status}");
            if !is_error {
                continue;
            }
            let examples = json["examples"].as_object();
            let examples = examples.unwrap_or_else(|| panic!("{shown}: {status} has no example"));
            for (name, example) in examples {
                // A code with two meanings has two examples.
                let codigo = name.trim_end_matches("_aberto");
                let known = Codigo::from_name(codigo).expect("a code");
                assert_eq!(known.http_status().to_string(), *status, "{shown}: {name}");
                assert_eq!(example["value"]["codigo"], *codigo, "{shown}");
                let description = response["description"].as_str().expect("a description");
                assert!(description.contains(&format!("`{codigo}`")), "{shown}: {description}");
            }
        }
    });
}

#[test]
fn every_answer_is_described_with_its_headers() {
    each_operation(|_, shown, operation| {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let shown = format!("{shown}: {status}");
            assert!(response["description"].is_string(), "{shown} is not described");
            let headers = response["headers"].as_object().expect("headers");
            assert!(headers.contains_key("X-Request-Id"), "{shown}");
            let waits = ["429", "503"].contains(&status.as_str());
            assert_eq!(headers.contains_key("Retry-After"), waits, "{shown}");
            assert_eq!(headers.contains_key("WWW-Authenticate"), *status == "401", "{shown}");
            for (name, header) in headers {
                assert!(header["description"].is_string(), "{shown}: {name} is not described");
            }
        }
    });
}

#[test]
fn every_operation_can_be_tried_as_it_is_opened() {
    each_operation(|document, shown, operation| {
        for parameter in list(&operation["parameters"]) {
            assert!(parameter["description"].is_string(), "{shown}: {parameter}");
            let filled = [&parameter["example"], &parameter["schema"]["default"]];
            let filled = filled.iter().any(|value| !value.is_null());
            assert!(parameter["required"] == false || filled, "{shown}: no example: {parameter}");
        }
        let body = &operation["requestBody"]["content"];
        for (kind, content) in body.as_object().into_iter().flatten() {
            assert!(has_example(document, content), "{shown}: no example of a {kind} body");
        }
        for (status, response) in operation["responses"].as_object().expect("responses") {
            for (kind, content) in response["content"].as_object().into_iter().flatten() {
                let has_example = has_example(document, content);
                assert!(has_example, "{shown}: no example of {status} as {kind}");
            }
        }
    });
}

/// Whether a body has an example of its own or by its schema: Swagger UI makes up the others.
fn has_example(document: &Value, content: &Value) -> bool {
    let schema = content["schema"]["$ref"].as_str();
    let schema = schema.and_then(|place| document.pointer(place.trim_start_matches('#')));
    let schema = schema.unwrap_or(&content["schema"]);
    [content, schema].iter().any(|part| {
        !part["example"].is_null() || part["examples"].as_array().is_some_and(|all| !all.is_empty())
    }) || content["examples"].is_object()
}

#[test]
fn the_seeds_example_keeps_the_order_of_its_fields() {
    let seed = r#"{"placa":"ABC1234","modelo":"BYD Dolphin","capacidade_bateria":44.5,"nivel_bateria_atual":22.3,"taxa_descarga":0.19,"posto_id":5,"server_id":"server1"}"#;
    let document = client::openapi().to_json().expect("JSON");
    assert!(document.contains(seed));
}

#[test]
fn no_schema_is_empty() {
    each_schema(|name, schema| {
        let whole = ["properties", "enum", "allOf", "oneOf", "anyOf"];
        let whole = whole.iter().any(|key| !schema[key].is_null());
        let text = schema["type"] == "string" && schema.as_object().is_some_and(|s| s.len() > 1);
        assert!(whole || text, "{name} is empty: {schema}");
    });
}

/// Generators make a type of each schema and a variable of each property, and some then take one for
/// the other.
#[test]
fn no_schema_has_the_name_of_its_own_property() {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    each_schema(|name, schema| {
        let schema_name = plain(name.rsplit(' ').next().unwrap_or_default());
        for part in list(&schema["allOf"]).chain([schema]) {
            for property in part["properties"].as_object().into_iter().flatten() {
                assert_ne!(plain(property.0), schema_name, "{name}");
            }
        }
    });
}

#[test]
fn every_schema_and_property_is_described() {
    each_schema(|name, schema| {
        assert!(schema["description"].is_string(), "{name} is not described");
        for part in list(&schema["allOf"]).chain([schema]) {
            for (field, property) in part["properties"].as_object().into_iter().flatten() {
                // An optional reference may be described where it refers.
                let described = [&property["description"], &property["oneOf"][0]["description"]];
                let described = described.iter().any(|description| description.is_string());
                assert!(described, "{name}.{field} is not described");
            }
        }
    });
}

#[test]
fn every_list_of_words_in_an_answer_is_open() {
    let mut open = 0;
    each_schema(|name, schema| {
        assert!(schema["enum"].is_null(), "{name} is closed");
        if list(&schema["anyOf"]).any(|part| part["enum"].is_array()) {
            let any = list(&schema["anyOf"]).any(|part| part["enum"].is_null());
            let description = schema["description"].as_str().expect("a description");
            assert!(any && description.contains("A lista é aberta"), "{name}: {schema}");
            open += 1;
        }
    });
    assert!(open > 0);
}

/// A program that fetches what a caller names can be made to reach what the caller cannot.
#[test]
fn no_operation_takes_an_address_to_fetch() {
    fn names(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if let ("properties", Value::Object(properties)) = (name.as_str(), value) {
                        found.extend(properties.keys().cloned());
                    }
                    names(value, found);
                }
                let is_parameter = fields.contains_key("in") && fields.contains_key("schema");
                let name = fields.get("name").and_then(Value::as_str);
                found.extend(name.filter(|_| is_parameter).map(str::to_owned));
                let is_address = fields.get("format").is_some_and(|format| format == "uri");
                assert!(!is_address && !fields.contains_key("callbacks"), "{fields:?}");
            }
            Value::Array(values) => values.iter().for_each(|value| names(value, found)),
            _ => {}
        }
    }
    for (program, document) in documents() {
        assert!(document.get("webhooks").is_none(), "{program}");
        let mut found = Vec::new();
        names(&document["paths"], &mut found);
        names(&document["components"]["schemas"], &mut found);
        assert!(found.len() > 30, "{program}: {found:?}");
        let parts = ["url", "uri", "href", "link", "host", "endereco", "webhook", "callback"];
        let is_address =
            |name: &&String| parts.iter().any(|part| name.to_lowercase().contains(part));
        assert_eq!(found.iter().find(is_address), None, "{program}");
    }
}
