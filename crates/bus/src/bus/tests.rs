use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::Credentials;

const TEST_TIMEOUT: Duration = Duration::from_secs(20);

fn options() -> Options {
    Options {
        broker: "broker".to_owned(),
        port: 1,
        credentials: Credentials::default(),
        mqtt_id: "b".to_owned(),
        subscriptions: Vec::new(),
        as_published: Vec::new(),
        on_demand: Vec::new(),
        presence: None,
        session_expiry: Duration::ZERO,
        inbox_capacity: 8,
        outbox_capacity: 8,
        give_up_poison: true,
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn an_address_that_accepts_and_never_answers_does_not_hide_the_broker() {
    let (silent, silent_address) = listener().await;
    let (broker, broker_address) = listener().await;
    let addresses = [silent_address, broker_address];
    let (bus, _deliveries) = connect_with(options(), Arc::new(move |_, _| Ok(addresses.to_vec())));
    let serving = tokio::spawn(async move {
        let (mut stream, _) = broker.accept().await.unwrap();
        let mut connect = [0; 512];
        assert!(stream.read(&mut connect).await.unwrap() > 0);
        stream.write_all(&[0x20, 3, 0, 0, 0]).await.unwrap();
        stream
    });
    let mut link = bus.link();
    let up = link.wait_for(|link| link.generation().is_some());
    timeout(TEST_TIMEOUT, up).await.expect("the second address is reached").unwrap();
    assert_eq!(bus.last_problem(), None);
    drop((silent, serving.await.unwrap()));
}

#[tokio::test]
async fn a_resolver_that_hangs_does_not_delay_the_close() {
    let (released, hangs) = std::sync::mpsc::channel::<()>();
    let hangs = parking_lot::Mutex::new(hangs);
    let resolve: Resolve = Arc::new(move |_, _| {
        let _ = hangs.lock().recv();
        Ok(Vec::new())
    });
    let (bus, _deliveries) = connect_with(options(), resolve);
    bus.publish(Outgoing::new("t", "1")).unwrap();
    let grace = Duration::from_millis(200);
    let start = Instant::now();
    bus.close(grace).await;
    assert!(bus.state.ended.is_cancelled(), "all tasks have ended");
    assert!(start.elapsed() < grace + DISCONNECT_TIMEOUT * 2, "{:?}", start.elapsed());
    drop(released);
}
