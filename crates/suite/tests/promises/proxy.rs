//! A TCP proxy between one program and the broker: a link that can be cut, stopped and slowed.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A program's message with these bytes ends its connection, as some brokers do with what they do
/// not like: the listing that answers a question with the `request_id` `poison`.
const POISON: &[u8] = br#""poison","versao""#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Normal,
    /// Everything arrives later by this duration.
    Slow(Duration),
    /// Nothing passes and neither side notices; what is sent meanwhile is lost.
    HalfOpen,
    /// Half of the next bytes pass, then both connections are reset.
    Cut,
    /// Both connections are reset.
    Reset,
}

pub(crate) struct Proxy {
    port: u16,
    behaviour: watch::Sender<Behaviour>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(broker_port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (behaviour, watched) = watch::channel(Behaviour::Normal);
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, broker_port, watched.clone()));
            }
        });
        Self { port, behaviour, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Changes the behaviour of open and new connections. A half-open connection is reset when the
    /// link becomes normal again.
    pub(crate) fn set(&self, behaviour: Behaviour) {
        self.behaviour.send_replace(behaviour);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(near: TcpStream, broker_port: u16, watched: watch::Receiver<Behaviour>) {
    let broker = SocketAddr::from((Ipv4Addr::LOCALHOST, broker_port));
    let Ok(far) = TcpStream::connect(broker).await else { return };
    for side in [&near, &far] {
        let _ = side.set_nodelay(true);
        // With this, dropping a connection resets it instead of closing it.
        let _ = side.set_zero_linger();
    }
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::select! {
        () = pass(near_read, far_write, watched.clone(), true) => {}
        () = pass(far_read, near_write, watched, false) => {}
    }
}

/// Copies one direction until it ends, or until poison comes from the program.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut watched: watch::Receiver<Behaviour>,
    is_from_program: bool,
) {
    let mut bytes = vec![0; 64 * 1024];
    let mut was_half_open = false;
    loop {
        let behaviour = *watched.borrow_and_update();
        match behaviour {
            Behaviour::Reset => return,
            Behaviour::HalfOpen => {
                was_half_open = true;
                if watched.changed().await.is_err() {
                    return;
                }
                continue;
            }
            _ if was_half_open => return,
            Behaviour::Normal | Behaviour::Slow(_) | Behaviour::Cut => {}
        }
        let length = tokio::select! {
            changed = watched.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            length = from.read(&mut bytes) => length.unwrap_or(0),
        };
        let is_poison = || bytes[..length].windows(POISON.len()).any(|found| found == POISON);
        if length == 0 || is_from_program && is_poison() {
            return;
        }
        match behaviour {
            Behaviour::Slow(by) => tokio::time::sleep(by).await,
            Behaviour::Cut => {
                let _ = to.write_all(&bytes[..length / 2]).await;
                return;
            }
            _ => {}
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
