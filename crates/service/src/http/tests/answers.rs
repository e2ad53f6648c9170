//! What every answer has, whatever its route: CORS and compression.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, patch, post};
use flate2::read::MultiGzDecoder;
use utoipa::openapi::Paths;

use super::{Answer, documentation, echo, finished, send};
use crate::http::{
    Access, CORS_ORIGENS, CorsOrigins, HttpMetrics, OptionalLayers, Routes, build_router,
};

fn with_cors(setting: &str, max_in_flight: usize) -> Router {
    let router = Router::new()
        .route("/a", get(async || "a").post(echo))
        .route("/a/{id}", patch(async || "a").delete(async || "a"))
        .route("/panic", post(async || -> () { panic!("as the test wants it") }));
    build_router(
        Routes { public: router, protected: Router::new() },
        &documentation(Paths::new()),
        max_in_flight,
        &setting.parse().expect("a setting"),
        Access::Everybody,
        HttpMetrics::default(),
        OptionalLayers::default(),
    )
}

async fn ask(router: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(router, request.body(Body::empty()).expect("a request")).await
}

const PAGE: (&str, &str) = ("origin", "https://app.example.com");
const ALLOWED: &str = "access-control-allow-origin";

#[tokio::test]
async fn pages_of_allowed_origins_read_every_answer() {
    let both = "https://app.example.com, https://other.example.com";
    for (setting, origin, allowed) in [
        ("*", Some(PAGE.1), "*"),
        ("*", None, "*"),
        ("https://app.example.com", Some(PAGE.1), PAGE.1),
        ("https://app.example.com", Some("https://evil.example.com"), PAGE.1),
        (both, Some(PAGE.1), PAGE.1),
        (both, Some("https://app.example.com:8443"), ""),
        (both, Some("http://app.example.com"), ""),
        (both, Some("null"), ""),
        (both, None, ""),
        ("", Some(PAGE.1), ""),
    ] {
        for (max_in_flight, method, path, status) in [
            (1, "GET", "/a", 200),
            (1, "GET", "/nope", 404),
            (1, "PUT", "/a", 405),
            (1, "POST", "/a", 415),
            (1, "POST", "/panic", 500),
            (0, "GET", "/a", 503),
            (1, "GET", "/openapi.json", 200),
        ] {
            let router = with_cors(setting, max_in_flight);
            let headers: Vec<_> = origin.iter().map(|origin| (ORIGIN.as_str(), *origin)).collect();
            let answer = ask(&router, method, path, &headers).await;
            let shown = format!("{setting:?} {origin:?} {method} {path}");
            assert_eq!((answer.status, answer.header(ALLOWED)), (status, allowed), "{shown}");
            let exposed = answer.header("access-control-expose-headers");
            let exposes = |name| exposed.split(',').any(|one| one == name);
            let names = ["x-request-id", "retry-after", "etag", "location", "content-disposition"];
            for name in names {
                assert_eq!(exposes(name), !setting.is_empty(), "{shown}: {exposed}");
            }
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{shown}");
            assert_eq!(answer.has_vary("origin"), !setting.is_empty(), "{shown}");
        }
    }
}

/// A page may send whatever header it likes: none says who it is.
const REQUESTED: &str = "content-type,idempotency-key,content-encoding,x-requested-with";

#[tokio::test]
async fn preflights_are_answered_for_every_route_and_method() {
    // Not even the limit of requests in flight is in their way.
    let router = with_cors("https://app.example.com", 0);
    for path in ["/a", "/a/7", "/panic", "/openapi.json"] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let wanted = [
                PAGE,
                ("access-control-request-method", method),
                ("access-control-request-headers", REQUESTED),
            ];
            let answer = ask(&router, "OPTIONS", path, &wanted).await;
            let shown = format!("{method} {path}");
            assert_eq!((answer.status, answer.header(ALLOWED)), (200, PAGE.1), "{shown}");
            let methods = answer.header("access-control-allow-methods");
            assert!(methods.split(',').any(|one| one == method), "{shown}: {methods}");
            assert_eq!(answer.header("access-control-allow-headers"), REQUESTED, "{shown}");
            assert_eq!(answer.header("access-control-max-age"), "7200", "{shown}");
            assert_eq!(answer.header("x-request-id"), "", "{shown}: it is not logged");
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{shown}");
        }
    }
    let evil = [("origin", "https://evil.example.com"), ("access-control-request-method", "POST")];
    let router = with_cors("https://app.example.com https://other.example.com", 1);
    assert_eq!(ask(&router, "OPTIONS", "/a", &evil).await.header(ALLOWED), "");
    let closed = ask(&with_cors("", 1), "OPTIONS", "/a", &evil).await;
    assert_eq!((closed.codigo(), closed.header(ALLOWED)), ((405, "metodo_nao_permitido"), ""));
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut plain).expect("gzip");
    plain
}

fn unbrotlied(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain).expect("br");
    plain
}

fn text(length: usize) -> Vec<u8> {
    (b'a'..=b'g').cycle().take(length).collect()
}

#[tokio::test]
async fn long_answers_are_compressed_as_their_callers_accept() {
    let of = move |length| async move || ([(CONTENT_TYPE, "application/json")], text(length));
    let typed = |kind: &'static str| async move || ([(CONTENT_TYPE, kind)], text(5000));
    let zipped = async || ([(CONTENT_ENCODING, "gzip"), (CONTENT_TYPE, "text/css")], text(5000));
    let stream = async || {
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(text(5000)))]);
        ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(pieces)).into_response()
    };
    let refused = async || (StatusCode::CONFLICT, text(5000));
    let router = Router::new()
        .route("/1024", get(of(1024)))
        .route("/1025", get(of(1025)))
        .route("/long", get(of(2_000_000)))
        .route("/svg", get(typed("image/svg+xml")))
        .route("/png", get(typed("image/png")))
        .route("/events", get(stream))
        .route("/zipped", get(zipped))
        .route("/refused", post(refused));
    let router = finished(router, 1);
    for (method, path, accepted, status, coding) in [
        ("GET", "/1024", "gzip, br", 200, ""),
        ("GET", "/1025", "", 200, "vary"),
        ("GET", "/1025", "gzip", 200, "gzip"),
        ("GET", "/1025", "br", 200, "br"),
        ("GET", "/1025", "gzip;q=0.5, br;q=0.9", 200, "br"),
        ("GET", "/1025", "gzip, br;q=0.9", 200, "gzip"),
        ("GET", "/1025", "gzip;q=0, br;q=0", 200, "vary"),
        ("GET", "/1025", "identity", 200, "vary"),
        ("GET", "/1025", "zstd, deflate", 200, "vary"),
        ("GET", "/1025", "*", 200, "any"),
        ("GET", "/1025", "identity;q=0", 200, "vary"),
        ("GET", "/1025", "*;q=0", 200, "vary"),
        ("HEAD", "/1025", "gzip", 200, "head"),
        ("GET", "/long", "gzip", 200, "gzip"),
        ("GET", "/long", "br", 200, "br"),
        ("GET", "/svg", "gzip", 200, "gzip"),
        ("GET", "/png", "gzip", 200, ""),
        ("GET", "/events", "gzip", 200, ""),
        ("GET", "/zipped", "gzip, br", 200, "once"),
        ("POST", "/refused", "gzip", 409, "gzip"),
        ("POST", "/refused", "identity;q=0", 409, "vary"),
    ] {
        let plain = ask(&router, method, path, &[]).await;
        let headers = [(ACCEPT_ENCODING.as_str(), accepted)];
        let headers = if accepted.is_empty() { &[][..] } else { &headers[..] };
        let answer = ask(&router, method, path, headers).await;
        let shown = format!("{method} {path}, {accepted:?}");
        assert_eq!(answer.status, status, "{shown}");
        let used = answer.header(CONTENT_ENCODING);
        let body = match (coding, used) {
            ("gzip", "gzip") | ("any", "gzip") => unzipped(&answer.body),
            ("br", "br") | ("any", "br") => unbrotlied(&answer.body),
            ("once" | "head", "gzip") | ("" | "vary", "") => answer.body.clone(),
            _ => panic!("{shown}: {used:?}"),
        };
        assert!(body == plain.body, "{shown}: it is another answer");
        let compressible = !matches!(coding, "" | "once");
        assert_eq!(answer.has_vary("accept-encoding"), compressible, "{shown}");
        if matches!(coding, "gzip" | "br" | "any") {
            assert!(answer.body.len() * 2 < body.len(), "{shown}: {}", answer.body.len());
            assert_eq!(answer.header(CONTENT_LENGTH), answer.body.len().to_string(), "{shown}");
        }
    }
    let mut two = HeaderMap::new();
    two.append(ACCEPT_ENCODING, "identity".parse().expect("a value"));
    two.append(ACCEPT_ENCODING, "gzip".parse().expect("a value"));
    let mut request = Request::get("/1025").body(Body::empty()).expect("a request");
    *request.headers_mut() = two;
    assert_eq!(send(&router, request).await.header(CONTENT_ENCODING), "gzip", "in two headers");
}

static OTHERS: AtomicUsize = AtomicUsize::new(0);

#[tokio::test]
async fn others_have_their_turn_while_a_long_answer_is_compressed() {
    let router = finished(Router::new().route("/", get(async || vec![b'x'; 4_000_000])), 1);
    let other = tokio::spawn(async {
        for turns in 0.. {
            OTHERS.store(turns, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let answer = ask(&router, "GET", "/", &[(ACCEPT_ENCODING.as_str(), "gzip")]).await;
    let turns = OTHERS.load(Ordering::Relaxed);
    other.abort();
    assert_eq!(answer.header(CONTENT_ENCODING), "gzip");
    assert_eq!(unzipped(&answer.body).len(), 4_000_000);
    assert!(turns >= 50, "{turns} turns of others");
}

#[test]
fn the_setting_is_any_none_or_a_list() {
    for (value, read) in [
        (None, CorsOrigins::Any),
        (Some("*"), CorsOrigins::Any),
        (Some(""), CorsOrigins::None),
        (Some("  "), CorsOrigins::None),
    ] {
        let lookup = |name: &str| (name == "CORS_ORIGENS").then(|| value.map(str::to_owned))?;
        assert_eq!(CORS_ORIGENS.read_or_empty(&lookup), Ok(read), "{value:?}");
    }
    let lookup = |_: &str| Some("app.example.com".to_owned());
    let error = CORS_ORIGENS.read_or_empty::<CorsOrigins>(&lookup).expect_err("no scheme");
    assert_eq!(
        error.to_string(),
        "CORS_ORIGENS is \"app.example.com\"; it should be *, nothing, or origins separated by \
         commas, for example https://app.example.com"
    );
}
