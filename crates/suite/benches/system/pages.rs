//! Pages of drivers that are open at one gateway: what they cost while nothing happens, how soon a
//! change reaches all of them, also beside pages that do not read, and what is left when they have
//! closed. A page here is what a browser asks for: the HTML, then events for as long as it is open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::bench::{Bench, Pace};
use super::http::Connection;
use super::load::CALLERS;
use super::report::Report;
use super::stats::Stats;
use super::world::Setup;

pub(crate) const PAGES: usize = 1_000;
pub(crate) const CHANGE: &str = "a change reaches 1,000 pages";
/// As many as the sample data has.
const POSTOS: usize = 120;
const SERVERS: usize = 2;
/// Pages that are loaded at the same time.
const LOADING: usize = 16;
/// Pages whose connection is open and is never read from.
const SLOW: usize = 50;
/// How long a change may take to reach all pages; then it is an error.
const CHANGE_LIMIT: Duration = Duration::from_secs(5);
const OPEN_LIMIT: Duration = Duration::from_secs(60);

/// A posto, as the events of a page name it: `server_id` and `posto_id`.
type PostoKey = (u64, u64);

/// What a page has seen, and when.
type Seen = (PostoKey, Instant);

struct Pages {
    tasks: JoinSet<()>,
    seen: UnboundedReceiver<Seen>,
}

pub(crate) async fn pages(pace: Pace, report: &mut Report) {
    let setup = Setup { postos: POSTOS, ..Setup::usual(SERVERS, "difusao") };
    let mut bench = Bench::new(&setup, pace, report);
    rest(&mut bench, pace, "no page was ever open").await;
    let before = bench.world.usage();
    let (mut pages, opened) = open(&bench.addr()).await;
    bench.add_row("open a page: HTML, then all postos by events", PAGES, opened, &before);
    rest(&mut bench, pace, "1,000 pages are open").await;
    for per_second in [1, 10] {
        let name = format!("{CHANGE}, {per_second} a second");
        change(&mut bench, &mut pages, pace, per_second, &name).await;
    }
    let slow = do_not_read(&bench.addr()).await;
    change(&mut bench, &mut pages, pace, 10, &format!("{CHANGE}, {SLOW} more do not read")).await;
    drop((slow, pages));
    // The gateway notices a closed connection when it next writes to it.
    sleep(Duration::from_secs(20)).await;
    rest(&mut bench, pace, "all pages are closed").await;
    bench.finish().await;
}

/// Opens all pages; each has all postos when this returns.
async fn open(addr: &str) -> (Pages, Stats) {
    let (sender, seen) = unbounded_channel();
    let (loading, loaded) = (Arc::new(Semaphore::new(LOADING)), Arc::new(Semaphore::new(0)));
    let (latencies, mut taken) = unbounded_channel();
    let mut stats = Stats::start();
    let mut tasks = JoinSet::new();
    for _ in 0..PAGES {
        let (addr, sender, latencies) = (addr.to_owned(), sender.clone(), latencies.clone());
        let (loading, loaded) = (Arc::clone(&loading), Arc::clone(&loaded));
        let page = async move {
            let permit = loading.acquire_owned().await.expect("it is not closed");
            let begun = Instant::now();
            let mut connection = Connection::open(&addr).await.expect("a connection");
            let (status, html) = connection.get("/").await.expect("an answer");
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(&html));
            let listening = Listening::begin(&addr).await;
            let _ = latencies.send(begun.elapsed());
            drop(permit);
            loaded.add_permits(1);
            listening.read(&sender).await;
        };
        tasks.spawn_on(page, CALLERS.handle());
    }
    let all = loaded.acquire_many(PAGES as u32);
    drop(timeout(OPEN_LIMIT, all).await.expect("all are loaded").expect("it is not closed"));
    while let Ok(latency) = taken.try_recv() {
        stats.add_latency(latency);
    }
    stats.end();
    (Pages { tasks, seen }, stats)
}

/// The events of one page.
struct Listening {
    stream: TcpStream,
    text: String,
}

impl Listening {
    /// Has read the postos of all servidores when it returns.
    async fn begin(addr: &str) -> Self {
        let mut stream = TcpStream::connect(addr).await.expect("a connection");
        let request = b"GET /eventos HTTP/1.1\r\nhost: b\r\n\r\n";
        stream.write_all(request).await.expect("it is sent");
        let mut listening = Self { stream, text: String::new() };
        let mut missing = SERVERS;
        while missing > 0 {
            listening.fill().await;
            while let Some(event) = listening.event() {
                missing -= usize::from(event.contains("event: estado"));
            }
        }
        listening
    }

    async fn read(mut self, sender: &UnboundedSender<Seen>) {
        loop {
            self.fill().await;
            let now = Instant::now();
            while let Some(event) = self.event() {
                if let Some(posto) = taken_posto(&event) {
                    let _ = sender.send((posto, now));
                }
            }
        }
    }

    async fn fill(&mut self) {
        let mut bytes = [0; 1 << 14];
        let length = self.stream.read(&mut bytes).await.expect("it is open");
        assert!(length > 0, "the events end");
        self.text.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }

    /// The next event that has come as a whole.
    fn event(&mut self) -> Option<String> {
        let end = self.text.find("\n\n")? + 2;
        let rest = self.text.split_off(end);
        Some(std::mem::replace(&mut self.text, rest))
    }
}

/// The posto that this event says is no longer free.
fn taken_posto(event: &str) -> Option<PostoKey> {
    let (_, data) = event.split_once("event: posto\ndata: ")?;
    let data: serde_json::Value = serde_json::from_str(data.lines().next()?).ok()?;
    let server = data["server_id"].as_str()?.strip_prefix("server")?.parse().ok()?;
    (data["disponivel"] == false).then_some((server, data["posto_id"].as_u64()?))
}

/// Pages that take nothing of what they are sent.
async fn do_not_read(addr: &str) -> Vec<TcpStream> {
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut stream = TcpStream::connect(addr).await.expect("a connection");
        let request = b"GET /eventos HTTP/1.1\r\nhost: b\r\n\r\n";
        stream.write_all(request).await.expect("it is sent");
        slow.push(stream);
    }
    slow
}

/// Makes reservas that begin at once. The latency is that of each page: from the request to the event.
async fn change(bench: &mut Bench<'_>, pages: &mut Pages, pace: Pace, per_second: u64, name: &str) {
    let mut connection = Connection::open(&bench.addr()).await.expect("a connection");
    let gap = Duration::from_secs(1) / u32::try_from(per_second).expect("a small number");
    let before = bench.world.usage();
    let mut stats = Stats::start();
    let end = Instant::now() + pace.length.max(Duration::from_secs(5));
    while Instant::now() < end {
        let begun = Instant::now();
        match bench.workload.make_now(&mut connection).await {
            Ok(posto) => wait_for_all(pages, posto, begun, &mut stats).await,
            Err(what) => stats.add_error(what),
        }
        sleep(gap.saturating_sub(begun.elapsed())).await;
    }
    stats.end();
    bench.add_row(name, PAGES, stats, &before);
}

async fn wait_for_all(pages: &mut Pages, posto: PostoKey, begun: Instant, stats: &mut Stats) {
    let mut missing = PAGES;
    while missing > 0 {
        match timeout(CHANGE_LIMIT.saturating_sub(begun.elapsed()), pages.seen.recv()).await {
            Ok(Some((seen, at))) if seen == posto => {
                stats.add_latency(at.duration_since(begun));
                missing -= 1;
            }
            // A late one of a change before, which is counted as missing there.
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => {
                let failed = pages.tasks.len();
                return stats.add_error(format!("{missing} pages of {failed} miss {posto:?}"));
            }
        }
    }
}

/// What is used while nothing happens.
async fn rest(bench: &mut Bench<'_>, pace: Pace, what: &str) {
    let before = bench.world.usage();
    let begun = Instant::now();
    sleep(pace.length.max(Duration::from_secs(5))).await;
    let seconds = begun.elapsed().as_secs_f64();
    let now = bench.world.usage();
    let figures = ["gateway", "broker", "server"].map(|kind| {
        let millis = (now[kind].cpu_seconds - before[kind].cpu_seconds) * 1000.0 / seconds;
        format!("{kind} {millis:.0} ms a second, {:.1} MiB", now[kind].resident_mib)
    });
    bench.report.note(format!("{what}, nothing changes: {}", figures.join("; ")));
}
