//! The documents, and the page that shows one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;

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
async fn the_document_is_made_once_when_it_is_first_asked_for() {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let document = || {
        // The first time it cannot be made.
        assert!(MADE.fetch_add(1, Ordering::Relaxed) > 0, "as the test wants it");
        std::thread::sleep(Duration::from_millis(20));
        OpenApi::new(Info::new("test", "0"), Paths::new())
    };
    let documentation = Documentation { document, ..documentation(Paths::new()) };
    let router = finished_with(&documentation, Router::new(), 10);
    assert_eq!(call(&router, "GET", "/docs/").await.status, 200);
    assert_eq!(MADE.load(Ordering::Relaxed), 0, "nobody has asked for it");
    let failed = call(&router, "GET", "/openapi.json").await;
    assert_eq!(failed.codigo(), (500, "erro_interno"));
    let asked = (0..4).map(|_| call(&router, "GET", "/openapi.json"));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!((answer.status, &answer.json["openapi"]), (200, &json!("3.1.0")));
    }
    assert_eq!(MADE.load(Ordering::Relaxed), 2, "made again after it failed, and then kept");
}
