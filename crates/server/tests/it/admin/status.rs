//! Status, probes and documentation.

use protocol::Timestamp;
use serde_json::json;

use crate::running::Running;

#[tokio::test]
async fn without_a_broker_a_servidor_is_alive_and_not_ready() {
    let server = Running::fresh().await;
    for path in ["/", "/status"] {
        let mut status = server.get(path).await.json;
        let timestamp = status["timestamp"].take();
        let timestamp: Timestamp = timestamp.as_str().expect("a text").parse().expect("a time");
        let age = service::now().as_millis() - timestamp.as_millis();
        assert!((0..60_000).contains(&age), "{path}: {timestamp}");
        assert_eq!(
            status,
            json!({"servidor": "server1", "status": "online", "mqtt_conectado": false, "timestamp": null}),
            "{path}"
        );
    }
    let alive = server.get("/healthz").await;
    assert_eq!((alive.status, alive.json), (200, json!({"status": "ok"})));
    assert_eq!(server.get("/readyz").await.verdict(), (503, "broker_indisponivel"));
    server.stop().await;
}

#[tokio::test]
async fn the_documentation_is_there() {
    let server = Running::fresh().await;
    let redirect = server.get("/docs").await;
    assert_eq!((redirect.status, redirect.header("location")), (303, "docs/"));
    let page = server.get("/docs/").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    let document = server.get("/openapi.json").await;
    let expected = serde_json::to_value(server::openapi()).expect("a document");
    assert_eq!((document.status, document.json), (200, expected));
    server.stop().await;
}
