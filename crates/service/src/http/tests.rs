//! The HTTP surface around a small router, without a socket.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, Request};
use axum::routing::{get, post, put};
use axum::{Extension, Json, Router};
use protocol::{Codigo, RequestId};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;
use utoipa::openapi::{Info, OpenApi, Paths};

use super::{HttpError, MAX_BODY, Params, Path, RawJson, finish};

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
}

impl Answer {
    fn codigo(&self) -> (u16, &str) {
        (self.status, self.json["codigo"].as_str().unwrap_or_default())
    }

    fn campo(&self) -> &str {
        self.json["campos"][0]["campo"].as_str().unwrap_or_default()
    }

    fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a text"))
    }
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let Ok(response) = router.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a whole body");
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer { status: parts.status.as_u16(), headers: parts.headers, json }
}

async fn call(router: &Router, method: &str, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    send(router, request.body(Body::empty()).expect("a request")).await
}

fn finished(router: Router, max_in_flight: usize) -> Router {
    finish(router, OpenApi::new(Info::new("test", "0"), Paths::new()), max_in_flight)
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
async fn the_docs_are_there() {
    let router = finished(Router::new(), 1);
    let redirect = call(&router, "GET", "/docs").await;
    assert_eq!((redirect.status, redirect.header("location")), (303, "docs/"));
    let page = call(&router, "GET", "/docs/").await;
    assert_eq!((page.status, page.header(CONTENT_TYPE)), (200, "text/html"));
    assert_eq!(call(&router, "GET", "/openapi.json").await.json["openapi"], "3.1.0");
    assert_eq!(call(&router, "GET", "/asyncapi.json").await.json["asyncapi"], "3.0.0");
}

#[tokio::test]
async fn an_error_names_its_request_in_body_and_header_alike() {
    const OWN: &str = "0198c0de-7a1b-7000-8000-000000000001";
    let own = async || -> Result<(), HttpError> {
        let error = HttpError::new(Codigo::PostoInexistente, "não há");
        Err(error.with_request_id(OWN.parse().expect("an id")))
    };
    let given = async |Extension(id): Extension<RequestId>| Json(json!({"request_id": id}));
    let router = Router::new().route("/own", get(own)).route("/given", get(given));
    let router = finished(router, 1);
    for (method, path, status) in
        [("GET", "/given", 200), ("GET", "/own", 404), ("GET", "/nope", 404), ("POST", "/own", 405)]
    {
        let answer = call(&router, method, path).await;
        assert_eq!(answer.status, status, "{path}");
        let request_id = answer.json["request_id"].as_str().expect(path);
        assert_eq!(answer.header("x-request-id"), request_id, "{path}");
    }
    let own = call(&router, "GET", "/own").await;
    assert_eq!(own.json["request_id"], OWN);
}

#[tokio::test]
async fn a_body_is_json_by_declaration_and_not_too_long() {
    let length = async |RawJson(body): RawJson| Json(body.len());
    let router = finished(Router::new().route("/", post(length)), 1);
    let send_as = async |content_type: &str, length: usize| {
        let request = Request::post("/").header(CONTENT_TYPE, content_type);
        let request = request.body(Body::from(vec![b' '; length]));
        send(&router, request.expect("a request")).await
    };
    for right in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
        "application/json;charset=utf-8",
    ] {
        assert_eq!(send_as(right, 1).await.status, 200, "{right}");
    }
    for wrong in ["", "text/plain", "application/x-www-form-urlencoded", "text/json", "json"] {
        let answer = send_as(wrong, 1).await;
        assert_eq!(answer.codigo(), (415, "tipo_nao_suportado"), "{wrong:?}");
    }
    let undeclared = call(&router, "POST", "/").await;
    assert_eq!(undeclared.codigo(), (415, "tipo_nao_suportado"));
    assert_eq!(send_as("application/json", MAX_BODY).await.json, json!(MAX_BODY));
    let over = send_as("application/json", MAX_BODY + 1).await;
    assert_eq!(over.codigo(), (413, "corpo_grande_demais"));
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
        ("/?b=0&t=&unknown=1&unknown=2", json!([false, null, ""])),
    ] {
        assert_eq!(call(&router, "GET", query).await.json, read, "{query}");
    }
    for (query, wrong) in [
        ("/?b=sim&n=5.5&t=1&t=2", vec!["b", "n", "t"]),
        ("/?b=&n=", vec!["b", "n"]),
        ("/?n=9223372036854775808", vec!["n"]),
    ] {
        let answer = call(&router, "GET", query).await;
        assert_eq!(answer.codigo(), (422, "requisicao_invalida"), "{query}");
        let campos = answer.json["campos"].as_array().expect(query);
        let campos: Vec<&str> = campos.iter().filter_map(|one| one["campo"].as_str()).collect();
        assert_eq!(campos, wrong, "{query}");
    }
}
