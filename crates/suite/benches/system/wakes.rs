//! What one wake costs on this machine, and one sync: the least that a lone request can take is the
//! sum of those on its way.
//!
//! Each sample follows a pause, as between lone requests: a processor that sleeps takes longer to
//! be woken than one that has just done so.

use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use super::report::Report;

const SAMPLES: usize = 2_000;
const PAUSE: Duration = Duration::from_micros(300);
/// About a small packet of MQTT.
const PACKET: usize = 256;
/// What a lone commit adds to the WAL, roughly.
const COMMIT: usize = 32 * 1024;
/// The file exists before, as a WAL that is used again.
const FILE: usize = 8 * 1024 * 1024;

/// Medians in microseconds.
pub(crate) struct Costs {
    /// Of a wake by a channel or a oneshot.
    pub(crate) channel: f64,
    /// Of a wake through a socket.
    pub(crate) socket: f64,
    pub(crate) sync: f64,
}

pub(crate) fn measure(report: &mut Report) -> Costs {
    let mut note = |what, samples, each| note(report, what, samples, each);
    note("a thread woken by a condition variable", condvar(), 2.0);
    let channel = note("a thread woken by a channel, its caller by a oneshot", channels(), 2.0);
    let socket = note("a thread woken through a loopback socket and epoll", sockets(), 2.0);
    let sync = note("32 KiB written and one fdatasync", sync(), 1.0);
    Costs { channel, socket, sync }
}

/// `each` is how many wakes a sample has. The median in microseconds.
fn note(report: &mut Report, what: &str, mut samples: Vec<Duration>, each: f64) -> f64 {
    samples.sort_unstable();
    let of = |percent: usize| samples[samples.len() * percent / 100].as_secs_f64() * 1e6 / each;
    report.note(format!("{what}: p50 {:.1} µs, p99 {:.1} µs", of(50), of(99)));
    of(50)
}

fn sample(mut once: impl FnMut()) -> Vec<Duration> {
    (0..SAMPLES)
        .map(|_| {
            thread::sleep(PAUSE);
            let begun = Instant::now();
            once();
            begun.elapsed()
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Turn {
    Caller,
    Peer,
    End,
}

fn condvar() -> Vec<Duration> {
    let shared = Arc::new((Mutex::new(Turn::Caller), Condvar::new()));
    let pass = |shared: &(Mutex<Turn>, Condvar), turn| {
        *shared.0.lock().expect("no panic") = turn;
        shared.1.notify_one();
    };
    let wait = |shared: &(Mutex<Turn>, Condvar), not| {
        let turn = shared.0.lock().expect("no panic");
        *shared.1.wait_while(turn, |turn| *turn == not).expect("no panic")
    };
    let peers = Arc::clone(&shared);
    let peer = thread::spawn(move || {
        while wait(&peers, Turn::Caller) == Turn::Peer {
            pass(&peers, Turn::Caller);
        }
    });
    let samples = sample(|| {
        pass(&shared, Turn::Peer);
        wait(&shared, Turn::Peer);
    });
    pass(&shared, Turn::End);
    peer.join().expect("no panic");
    samples
}

/// As a command goes to the writer and its outcome back to a task.
fn channels() -> Vec<Duration> {
    let (sender, mut queue) = mpsc::channel::<oneshot::Sender<()>>(64);
    let writer = thread::spawn(move || {
        while let Some(caller) = queue.blocking_recv() {
            caller.send(()).expect("it waits");
        }
    });
    let programs = one_worker();
    let samples = programs.block_on(programs.spawn(async move {
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            tokio::time::sleep(PAUSE).await;
            let begun = Instant::now();
            let (caller, outcome) = oneshot::channel();
            sender.send(caller).await.expect("the writer runs");
            outcome.await.expect("it is answered");
            samples.push(begun.elapsed());
        }
        samples
    }));
    writer.join().expect("no panic");
    samples.expect("no panic")
}

/// As a packet goes to a program with a runtime of its own and its answer back.
fn sockets() -> Vec<Duration> {
    let (there, here) = (one_worker(), one_worker());
    let listener = there.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("its address");
    let echo = there.spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        socket.set_nodelay(true).expect("an option");
        let mut packet = [0; PACKET];
        while socket.read_exact(&mut packet).await.is_ok() {
            socket.write_all(&packet).await.expect("it is read");
        }
    });
    let samples = here.block_on(here.spawn(async move {
        let mut socket = TcpStream::connect(address).await.expect("it listens");
        socket.set_nodelay(true).expect("an option");
        let mut packet = [0; PACKET];
        let mut samples = Vec::with_capacity(SAMPLES);
        for _ in 0..SAMPLES {
            tokio::time::sleep(PAUSE).await;
            let begun = Instant::now();
            socket.write_all(&packet).await.expect("it is read");
            socket.read_exact(&mut packet).await.expect("it is answered");
            samples.push(begun.elapsed());
        }
        samples
    }));
    there.block_on(echo).expect("no panic");
    samples.expect("no panic")
}

fn sync() -> Vec<Duration> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&vec![0; FILE]).expect("it is written");
    file.sync_all().expect("it is on disk");
    let mut place = 0;
    sample(|| {
        file.write_all_at(&[1; COMMIT], place).expect("it is written");
        file.sync_data().expect("it is on disk");
        place = (place + COMMIT as u64) % FILE as u64;
    })
}

/// A runtime as the programs have on two processors.
fn one_worker() -> runtime::Runtime {
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}
