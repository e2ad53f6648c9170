//! What a route does not take, in its query and in its body.

use utoipa::IntoParams as _;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;

use axum::routing::post;

use super::*;
use crate::http::JsonBody;
use crate::http::request::json_body::MAX_BODY;

protocol::fields! {
    struct Place {
        id: i64,
        de: Option<i64>,
    }
}

#[tokio::test]
async fn a_route_refuses_by_name_what_it_does_not_take() {
    let operation = |names: &[&str], body: bool| {
        let mut parameters = Place::into_params(|| None);
        parameters.retain(|parameter| names.contains(&parameter.name.as_str()));
        let json = RequestBodyBuilder::new().content("application/json", Content::default());
        let body = body.then(|| json.build());
        OperationBuilder::new().parameters(Some(parameters)).request_body(body).build()
    };
    let mut paths = Paths::new();
    let item = |method, names, body| PathItem::new(method, operation(names, body));
    for path in ["/", "/healthz", "/plain"] {
        paths.paths.insert(path.to_owned(), item(HttpMethod::Get, &[], false));
    }
    for (path, names) in [("/things/{id}", &["id", "de"][..]), ("/only/{id}", &["id"])] {
        paths.paths.insert(path.to_owned(), item(HttpMethod::Get, names, false));
    }
    paths.paths.insert("/end".to_owned(), item(HttpMethod::Post, &[], false));
    paths.paths.insert("/make".to_owned(), item(HttpMethod::Post, &[], true));
    paths.paths.insert("/ask/{id}".to_owned(), item(HttpMethod::Post, &["id", "de"], false));
    paths.paths.insert("/ask".to_owned(), item(HttpMethod::Post, &["id", "de"], false));
    let thing = async |Params(Place { id, de }): Params<Place>| Json(json!([id, de]));
    let router = Router::new()
        .route("/", get(async || ()))
        .route("/healthz", get(async || ()))
        .route("/plain", get(async || ()))
        .route("/things/{id}", get(thing))
        .route("/only/{id}", get(async || ()))
        .route("/end", post(async || ()))
        .route("/ask/{id}", post(thing))
        .route("/ask", post(thing))
        .route("/make", post(async |body: JsonBody| body.read::<Place>().map(|_| ())));
    let router = build_router(
        Routes { public: router, protected: Router::new() },
        &documentation(paths),
        1,
        &CorsOrigins::Any,
        Access::Everybody,
        HttpMetrics::default(),
        OptionalLayers::default(),
    );
    let campos = async |method: &str, path: &str, content_type: &str, body: &str| {
        let request =
            Request::builder().method(method).uri(path).header(CONTENT_TYPE, content_type);
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        let answer = send(&router, request).await;
        let campos = answer.json["campos"].as_array().cloned().unwrap_or_default();
        let campos = campos.iter().map(|one| one["campo"].as_str().unwrap_or_default().to_owned());
        (answer.status, campos.collect::<Vec<_>>().join(" "))
    };
    let json = "application/json";
    for (method, path, body, expected) in [
        ("GET", "/?utm=1", "", (200, "")),
        ("GET", "/healthz?x=1", "", (200, "")),
        ("GET", "/docs/?x=1", "", (200, "")),
        ("GET", "/openapi.json?x=1", "", (200, "")),
        ("GET", "/nope?x=1", "", (404, "")),
        ("POST", "/plain?x=1", "", (405, "")),
        ("GET", "/plain", "", (200, "")),
        ("GET", "/only/1", "", (200, "")),
        ("GET", "/only/1?id=1", "", (422, "id")),
        ("GET", "/plain?", "", (200, "")),
        ("GET", "/plain?x=1&y", "", (422, "x y")),
        ("GET", "/plain?%FF=1", "", (422, "query")),
        ("HEAD", "/plain?x=1", "", (422, "")),
        ("GET", "/plain", r#"{"x":1}"#, (200, "")),
        ("GET", "/things/5?de=1", "", (200, "")),
        ("GET", "/things/5?DE=1&x=2", "", (422, "DE x")),
        ("GET", "/things/5?id=6", "", (422, "id")),
        ("POST", "/make", r#"{"id":1}"#, (200, "")),
        ("POST", "/make?x=1", r#"{"id":1}"#, (422, "x")),
        ("POST", "/make", r#"{"id":1,"y":1}"#, (422, "y")),
        ("POST", "/make?x=1", r#"{"id":"a"}"#, (422, "x id")),
        ("POST", "/make?%FF=1", r#"{"id":1,"y":1}"#, (422, "query y")),
        ("POST", "/make?x=1", "[]", (422, "x corpo")),
        ("POST", "/make?x=1", "", (422, "x corpo")),
        ("POST", "/ask/5?de=1", "{}", (200, "")),
        ("POST", "/ask/5?de=1", r#"{"y":1}"#, (422, "y")),
        ("POST", "/ask/5?de=a", r#"{"y":1}"#, (422, "de y")),
        ("POST", "/ask/a?x=1", "[]", (422, "id x corpo")),
        ("POST", "/ask/5?%FF=1", r#"{"y":1}"#, (422, "query y")),
        ("POST", "/end?x=1", r#"{"y":1}"#, (422, "x y")),
        ("POST", "/end", "", (200, "")),
        ("POST", "/end", " \n", (200, "")),
        ("POST", "/end", "{}", (200, "")),
        ("POST", "/end", "null", (200, "")),
        ("POST", "/end", " { } ", (200, "")),
        ("POST", "/end", r#"{"motivo":"x","y":null}"#, (422, "motivo y")),
        ("POST", "/end", "[]", (422, "corpo")),
        ("POST", "/end", "x=1", (422, "corpo")),
    ] {
        let expected = (expected.0, expected.1.to_owned());
        assert_eq!(campos(method, path, json, body).await, expected, "{method} {path} {body}");
    }
    let sentence = async |path: &str, body: &str| {
        let request = Request::builder().method("POST").uri(path).header(CONTENT_TYPE, json);
        let request = request.body(Body::from(body.to_owned())).expect("a request");
        send(&router, request).await.json["mensagem"].as_str().unwrap_or_default().to_owned()
    };
    for (path, body, expected) in [
        ("/ask", r#"{"id":1}"#, "id deve vir na query, não no corpo."),
        ("/ask", r#"{"y":1,"id":1}"#, "id deve vir na query, não no corpo; y não existe."),
        ("/ask", r#"{"ID":1}"#, "id é obrigatório; ID não existe."),
        ("/make?id=1", "{}", "id deve vir no corpo, não na query."),
        ("/make?x=1&id=1", "{}", "x não existe; id deve vir no corpo, não na query."),
        ("/make?id=1", r#"{"id":"a"}"#, "id não existe; id deve ser um número"),
    ] {
        let sentence = sentence(path, body).await;
        let wrong = sentence.strip_prefix("A requisição tem campos inválidos: ");
        assert!(
            wrong.is_some_and(|wrong| wrong.starts_with(expected)),
            "{path} {body}: {sentence}"
        );
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "x"] {
        assert_eq!(campos("POST", "/end", content_type, "{}").await.0, 200, "{content_type}");
    }
    let long = format!("{{}}{}", " ".repeat(MAX_BODY));
    for path in ["/end", "/ask/5?de=a"] {
        assert_eq!(campos("POST", path, json, &long).await.0, 413, "{path}");
    }
}
