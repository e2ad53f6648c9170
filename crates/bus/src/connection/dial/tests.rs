use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::net::{TcpListener, TcpSocket};

use super::*;

const TEST_TIMEOUT: Duration = Duration::from_secs(10);

fn resolver(addresses: &[SocketAddr]) -> Resolve {
    let addresses = addresses.to_vec();
    Arc::new(move |_, _| Ok(addresses.clone()))
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address that does not answer: the queue of a listener that accepts nothing is full.
async fn silent() -> (impl Sized, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        queued.push(connected.unwrap());
    }
    ((listener, queued), address)
}

/// An address that refuses: nothing listens there, and nobody else can.
fn refusing() -> (impl Sized, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

async fn dialled(dialer: &mut Dialer) -> SocketAddr {
    let stream = timeout(TEST_TIMEOUT, dialer.dial("broker", 1)).await.expect("in time").unwrap();
    stream.peer_addr().unwrap()
}

#[tokio::test]
async fn silent_and_refusing_addresses_do_not_hide_one_that_accepts() {
    let (_queue, silent) = silent().await;
    let (_reserved, refusing) = refusing();
    let (_listener, good) = listener().await;
    let mut dialer = Dialer::new(resolver(&[silent, refusing, silent, good]));
    assert_eq!(dialled(&mut dialer).await, good);
    let mut none = Dialer::new(resolver(&[silent, refusing]));
    let failed = timeout(TEST_TIMEOUT, none.dial("broker", 1)).await.expect("in time");
    assert!(matches!(failed, Err(Reason::ConnectTimeout)), "{failed:?}");
}

#[tokio::test]
async fn an_address_that_was_no_usable_broker_is_tried_last() {
    let (_a, first) = listener().await;
    let (_b, second) = listener().await;
    let (_c, third) = listener().await;
    let mut dialer = Dialer::new(resolver(&[first, second, third]));
    assert_eq!(dialled(&mut dialer).await, first);
    assert_eq!(dialled(&mut dialer).await, second);
    assert_eq!(dialled(&mut dialer).await, third);
    assert_eq!(dialled(&mut dialer).await, first);
    dialer.confirm();
    assert_eq!(dialled(&mut dialer).await, first);
}

#[tokio::test]
async fn an_error_of_the_resolver_names_the_host() {
    for found in [Ok(Vec::new()), Err(io::ErrorKind::NotFound)] {
        let resolve: Resolve = Arc::new(move |_, _| Ok(found.clone()?));
        let failed = Dialer::new(resolve).dial("no.such.name", 1).await.unwrap_err();
        assert!(matches!(failed, Reason::Unresolved(..)), "{failed}");
        assert!(failed.to_string().contains("no.such.name cannot be resolved"), "{failed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_hangs_is_asked_once() {
    static LOOKUPS: AtomicUsize = AtomicUsize::new(0);
    let resolve: Resolve = Arc::new(|_, _| {
        LOOKUPS.fetch_add(1, Relaxed);
        loop {
            std::thread::park();
        }
    });
    let mut dialer = Dialer::new(resolve);
    for _ in 0..3 {
        let failed = dialer.dial("broker", 1).await.unwrap_err();
        assert!(matches!(failed, Reason::ResolverSilent(_)), "{failed}");
    }
    assert!(LOOKUPS.load(Relaxed) <= 1);
}

#[test]
fn families_take_turns() {
    let v4 = |last| SocketAddr::from(([127, 0, 0, last], 1));
    let v6 = |last| SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, last], 1));
    assert_eq!(alternate_families(vec![v6(1), v6(2), v6(3), v4(1)]), [v6(1), v4(1), v6(2), v6(3)]);
    assert_eq!(alternate_families(vec![v4(1), v4(2), v6(1)]), [v4(1), v6(1), v4(2)]);
}
