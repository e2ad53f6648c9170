//! The HTTP surface around a small router, without a socket.

mod answers;
mod bodies;
mod documents;
mod unexpected;
mod wire;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, Request};
use axum::routing::{get, put};
use axum::{Json, Router};
use protocol::Codigo;
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;
use utoipa::openapi::{Info, OpenApi, Paths};

use crate::http::{
    Access, Asset, Assets, CorsOrigins, Documentation, HttpError, HttpMetrics, JsonBody,
    OptionalLayers, Params, Path, Routes, build_router,
};

/// An answer, read to its end.
pub(in crate::http) struct Answer {
    pub(in crate::http) status: u16,
    headers: HeaderMap,
    pub(in crate::http) body: Vec<u8>,
    pub(in crate::http) json: Value,
}

impl Answer {
    pub(in crate::http) fn codigo(&self) -> (u16, &str) {
        (self.status, self.json["codigo"].as_str().unwrap_or_default())
    }

    pub(in crate::http) fn campo(&self) -> &str {
        self.json["campos"][0]["campo"].as_str().unwrap_or_default()
    }

    /// Whether `Vary` names it.
    pub(in crate::http) fn has_vary(&self, name: &str) -> bool {
        let values = self.headers.get_all(VARY).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(", ")).any(|one| one.eq_ignore_ascii_case(name))
    }

    pub(in crate::http) fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }
}

/// Answers with the text of a body.
pub(in crate::http) async fn echo(body: JsonBody) -> Result<Vec<u8>, HttpError> {
    body.read_by(|text| Ok(text.to_vec()))
}

pub(in crate::http) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.into(), json }
}

async fn call(router: &Router, method: &str, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    send(router, request.body(Body::empty()).expect("a request")).await
}

/// What a program with these operations says of its routes.
pub(in crate::http) fn documentation(paths: Paths) -> Documentation {
    let operations = OpenApi::new(Info::new("test", "0"), paths);
    Documentation { operations, document: || OpenApi::new(Info::new("test", "0"), Paths::new()) }
}

pub(in crate::http) fn finished(router: Router, max_in_flight: usize) -> Router {
    finished_with(&documentation(Paths::new()), router, max_in_flight)
}

fn finished_with(documentation: &Documentation, router: Router, max_in_flight: usize) -> Router {
    build_router(
        Routes { public: router, protected: Router::new() },
        documentation,
        max_in_flight,
        &CorsOrigins::Any,
        Access::Everybody,
        HttpMetrics::default(),
        OptionalLayers::default(),
    )
}

#[tokio::test]
async fn over_the_limit_in_flight_is_refused_at_once_and_probes_are_not() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let slow = {
        let (entered, leave) = (entered.clone(), leave.clone());
        get(async move || {
            entered.notify_one();
            leave.acquire().await.expect("it is never closed").forget();
        })
    };
    let router = Router::new()
        .route("/slow", slow)
        .route("/fast", get(async || ()))
        .route("/healthz", get(async || ()))
        .route("/readyz", get(async || ()));
    let router = finished(router, 1);

    let in_flight = tokio::spawn({
        let router = router.clone();
        async move { call(&router, "GET", "/slow").await.status }
    });
    entered.notified().await;
    let refused = call(&router, "GET", "/fast").await;
    assert_eq!(refused.codigo(), (503, "sobrecarregado"));
    assert_eq!(refused.header(RETRY_AFTER), "2");
    assert_eq!(call(&router, "GET", "/healthz").await.status, 200);
    assert_eq!(call(&router, "GET", "/readyz").await.status, 200);

    leave.add_permits(1);
    assert_eq!(in_flight.await.expect("it is answered"), 200);
    assert_eq!(call(&router, "GET", "/fast").await.status, 200);
}

#[tokio::test]
async fn a_panic_is_answered_and_does_not_keep_its_place() {
    let router = Router::new()
        .route("/panic", get(async || -> () { panic!("as the test wants it") }))
        .route("/fine", get(async || ()));
    let router = finished(router, 1);
    let answer = call(&router, "GET", "/panic").await;
    assert_eq!(answer.codigo(), (500, "erro_interno"));
    assert!(!answer.json.to_string().contains("as the test wants it"));
    assert_eq!(call(&router, "GET", "/fine").await.status, 200);
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let router = finished(Router::new().route("/a", put(async || ()).get(async || ())), 1);
    let answer = call(&router, "DELETE", "/a").await;
    assert_eq!(answer.codigo(), (405, "metodo_nao_permitido"));
    let mut allowed: Vec<&str> = answer.header(ALLOW).split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "PUT"]);
}

#[tokio::test]
async fn an_unknown_route_has_the_one_error_shape() {
    let router = finished(Router::new(), 1);
    for path in ["/", "/nope", "/docs/nope", "/openapi.json/nope"] {
        let answer = call(&router, "GET", path).await;
        assert_eq!(answer.codigo(), (404, "rota_inexistente"), "{path}");
        assert_eq!(answer.header(CONTENT_TYPE), "application/json", "{path}");
        assert_eq!(answer.json["status"], "erro", "{path}");
    }
}

#[tokio::test]
async fn files_of_pages_are_compressed_and_take_any_query() {
    let content = b"p { margin: 0 } ".repeat(200).leak();
    let assets = Assets::new(&[Asset { name: "a.css", content }]);
    let router = finished(assets.router(), 10);
    let path = format!("/{}/a.css?v=1", assets.path());
    let plain = call(&router, "GET", &path).await;
    assert_eq!((plain.status, plain.body.as_slice()), (200, &*content));
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    let request = Request::builder().uri(&path).header("accept-encoding", "br, gzip");
    let packed = send(&router, request.body(Body::empty()).expect("a request")).await;
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "br"));
    assert!(packed.has_vary("accept-encoding"));
    assert!(packed.body.len() < 100, "{}", packed.body.len());
    let wrong = call(&router, "POST", &path).await;
    assert_eq!(wrong.codigo(), (405, "metodo_nao_permitido"));
    let unknown = call(&router, "GET", &format!("/{}/b.css", assets.path())).await;
    assert_eq!(unknown.codigo(), (404, "rota_inexistente"));
}

#[tokio::test]
async fn the_name_of_an_exchange_is_the_callers_where_it_is_valid_and_never_that_of_a_command() {
    const OWN: &str = "0198c0de-7a1b-7000-8000-000000000001";
    let own = async || -> Result<(), HttpError> {
        let error = HttpError::new(Codigo::PostoInexistente, "não há");
        Err(error.with_request_id(OWN.parse().expect("an id")))
    };
    let router =
        finished(Router::new().route("/own", get(own)).route("/fine", get(async || ())), 1);
    let longest = "x".repeat(128);
    let too_long = "x".repeat(129);
    let valid = ["a", "0198c0de-7a1b-7000-8000-000000000002", "Root=1-67:a/b+c_d.e~f@g", &longest];
    let invalid = ["", "a b", "a,b", "a;b", "a\"b", "{a}", "a\tb", "é", &too_long];
    let cases = valid.iter().map(|name| (vec![*name], true));
    let cases = cases.chain(invalid.iter().map(|name| (vec![*name], false)));
    for (names, is_valid) in cases.chain([(vec![], false), (vec!["a", "b"], false)]) {
        for (method, path, status, request_id) in [
            ("GET", "/fine", 200, None),
            ("GET", "/own", 404, Some(OWN)),
            ("GET", "/nope", 404, None),
            ("POST", "/own", 405, None),
        ] {
            let mut request = Request::builder().method(method).uri(path);
            for name in &names {
                request = request.header("x-request-id", name.as_bytes());
            }
            let answer = send(&router, request.body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.json["request_id"].as_str(), request_id, "{path} {names:?}");
            let answered: Vec<_> = answer.headers.get_all("x-request-id").iter().collect();
            assert_eq!(answered.len(), 1, "{path} {names:?}");
            if is_valid {
                assert_eq!(answered[0], names[0], "{path}");
            } else {
                let made = answered[0].to_str().expect("a text");
                assert_eq!(made.len(), OWN.len(), "{path} {names:?}: {made}");
                assert_ne!(Some(made), request_id, "{path} {names:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_part_of_a_path_is_named() {
    #[derive(serde::Deserialize)]
    struct Parts {
        id: i64,
        part: i64,
    }
    let one = async |Path(id): Path<i64>| Json(id);
    let two = async |Path(Parts { id, part }): Path<Parts>| Json(id + part);
    let text = async |Path(text): Path<String>| Json(text);
    let router = Router::new()
        .route("/one/{id}", get(one))
        .route("/two/{id}/{part}", get(two))
        .route("/text/{text}", get(text));
    let router = finished(router, 1);
    assert_eq!(call(&router, "GET", "/one/-5").await.json, json!(-5));
    assert_eq!(call(&router, "GET", "/two/5/6").await.json, json!(11));
    for (path, campo) in [
        ("/one/x", "id"),
        ("/one/9223372036854775808", "id"),
        ("/one/5.0", "id"),
        ("/two/x/6", "id"),
        ("/two/5/x", "part"),
        ("/text/%FF", "text"),
    ] {
        let answer = call(&router, "GET", path).await;
        assert_eq!(answer.codigo(), (422, "requisicao_invalida"), "{path}");
        assert_eq!(answer.campo(), campo, "{path}");
    }
}

protocol::fields! {
    struct Query {
        b: Option<bool>,
        n: Option<i64>,
        t: Option<String>,
    }
}

#[tokio::test]
async fn every_wrong_parameter_of_a_query_is_named() {
    let read = async |Params(Query { b, n, t }): Params<Query>| Json(json!([b, n, t]));
    let router = finished(Router::new().route("/", get(read)), 1);
    for (query, read) in [
        ("/", json!([null, null, null])),
        ("/?b=true&n=-5&t=a+b%20c", json!([true, -5, "a b c"])),
        ("/?t=S%C3%a3o%2B%EF%BF%BD", json!([null, null, "São+\u{FFFD}"])),
        ("/?t=100%&n=%35", json!([null, 5, "100%"])),
        ("/?b=0&t=", json!([false, null, ""])),
        ("/?", json!([null, null, null])),
    ] {
        assert_eq!(call(&router, "GET", query).await.json, read, "{query}");
    }
    for (query, wrong) in [
        ("/?b=sim&n=5.5&t=1&t=2", vec!["b", "n", "t"]),
        ("/?b=&n=", vec!["b", "n"]),
        ("/?n=9223372036854775808", vec!["n"]),
        ("/?t=%FF", vec!["query"]),
        ("/?t=S%E3o+Jo%E3o", vec!["query"]),
        ("/?t=%C3", vec!["query"]),
        ("/?t=%C3&n=%A3", vec!["query"]),
        ("/?t=%ED%A0%80", vec!["query"]),
        ("/?%FF=1", vec!["query"]),
        ("/?b=sim&unknown=1&N=2", vec!["b", "unknown", "N"]),
    ] {
        let answer = call(&router, "GET", query).await;
        assert_eq!(answer.codigo(), (422, "requisicao_invalida"), "{query}");
        let campos = answer.json["campos"].as_array().expect(query);
        let campos: Vec<&str> = campos.iter().filter_map(|one| one["campo"].as_str()).collect();
        assert_eq!(campos, wrong, "{query}");
    }
}
