//! What the log line of an answer says of a request that is not what it should be.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::subscriber::set_default;

use super::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn methods_and_routes_in_the_log_are_none_that_callers_make_up() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone());
    let _guard = set_default(subscriber.finish());
    let (addr, _stop) = started().await;
    let long = "X".repeat(30_000);
    for (first, method, route, status) in [
        ("GET /postos", "GET", "/postos", 200),
        ("HEAD /postos/7", "HEAD", "/postos/{id}", 200),
        ("DELETE /postos", "DELETE", "/postos", 405),
        ("TRACE /nope", "TRACE", "unknown", 404),
        ("ABC1D23 /postos", "other", "/postos", 405),
        ("get /postos", "other", "/postos", 405),
        (&format!("{long} /postos"), "other", "/postos", 405),
        ("ABC1D23", "other", "unknown", 400),
        ("G(T /postos", "other", "unknown", 400),
    ] {
        let shown = &first[..first.len().min(40)];
        let request = format!("{first} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(send(addr, request.as_bytes()).await.0.status(), status, "{shown}");
        let text = String::from_utf8(std::mem::take(&mut *log.0.lock())).expect("UTF-8");
        assert!(text.len() < 500, "{shown}: {} bytes", text.len());
        let line: Value = serde_json::from_str(text.trim()).expect("one line");
        let line = &line["fields"];
        assert_eq!(line["message"], "answered", "{shown}");
        assert_eq!((&line["method"], &line["route"]), (&method.into(), &route.into()), "{shown}");
        assert_eq!(line["status"], status, "{shown}");
    }
}
