//! What the log line of an answer says of a request that is not what it should be.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::callsite::rebuild_interest_cache;
use tracing::subscriber::set_global_default;

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
    // For all threads: another test, on a thread that logs nothing, may be the first to reach a log
    // line, and it would then be off for all.
    set_global_default(subscriber.finish()).expect("there is no other");
    rebuild_interest_cache();
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
        let (answer, _) = send(addr, request.as_bytes()).await;
        assert_eq!(answer.status(), status, "{shown}");
        let text = String::from_utf8(log.0.lock().clone()).expect("UTF-8");
        let id = answer.header("x-request-id").expect("it has a name");
        let line = text.lines().find(|line| line.contains(id)).expect("it is logged");
        assert!(line.len() < 500, "{shown}: {} bytes", line.len());
        let line: Value = serde_json::from_str(line).expect("JSON");
        let line = &line["fields"];
        assert_eq!(line["message"], "answered", "{shown}");
        assert_eq!((&line["method"], &line["route"]), (&method.into(), &route.into()), "{shown}");
        assert_eq!(line["status"], status, "{shown}");
    }
}
