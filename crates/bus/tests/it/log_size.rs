//! What others send does not fill the log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::support::{Broker, options};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn many_bad_messages_with_long_topics_are_counted_and_few_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let offline = Broker::stopped("");
    let (bus, _deliveries) = bus::connect(options(offline.port, "b", &[]));
    let (topic, reason) = (format!("pontos/{}", "é".repeat(30_000)), "x".repeat(100_000));
    for _ in 0..2_000 {
        bus.bad_message(&topic, &reason);
    }
    bus.close(std::time::Duration::ZERO).await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(bus.counters().bad, 2_000);
    assert!(text.len() < 64 * 1024, "{} bytes", text.len());
    assert!(text.contains("pontos/é") && text.contains("bad message"), "{text}");
    let logged = text.matches(" bad message topic").count();
    let rest = format!("more bad messages, not logged one by one count={}", 2_000 - logged);
    assert!(text.contains(&rest), "{logged} are logged: {text}");
}
