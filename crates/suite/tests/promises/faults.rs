//! What happens to a system in the field, made to happen here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::history::now;
use super::proxy::Behaviour;
use super::scene::{Scene, Seat};
use crate::harness::{PATIENCE, free_port};

/// How many parts may be hurt at the same time.
const MIXED: usize = 3;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    KillServer,
    KillGateway,
    /// Killed, and back with what it had saved.
    KillBroker,
    /// Killed, and back with nothing.
    KillBrokerAndMemory,
    /// `SIGSTOP`, then `SIGCONT`.
    FreezeServer,
    FreezeGateway,
    /// Longer than the keep-alive.
    FreezeLong,
    LinkReset,
    LinkHalfOpen,
    LinkSlow,
    /// The last bytes arrive in part.
    LinkCut,
    DiskFull,
    /// A second program with the same id.
    Twin,
}

pub(crate) const ALL: [Fault; 13] = [
    Fault::KillServer,
    Fault::KillGateway,
    Fault::KillBroker,
    Fault::KillBrokerAndMemory,
    Fault::FreezeServer,
    Fault::FreezeGateway,
    Fault::FreezeLong,
    Fault::LinkReset,
    Fault::LinkHalfOpen,
    Fault::LinkSlow,
    Fault::LinkCut,
    Fault::DiskFull,
    Fault::Twin,
];

/// The most that [`Fault::LinkSlow`] holds a command back.
pub(crate) const SLOWEST: Duration = Duration::from_millis(300);
/// The longest that [`Fault::FreezeServer`] and [`Fault::FreezeGateway`] last.
pub(crate) const FREEZE: Duration = Duration::from_millis(2_500);
/// Over one and a half keep-alives, when the broker gives a client up.
const LONG: Duration = Duration::from_millis(12_500);

/// What was done, and how long until all was well again.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) faults: BTreeMap<String, usize>,
    /// By fault: how long after it had passed its victim was ready again.
    pub(crate) recovery: BTreeMap<String, Vec<Duration>>,
    /// When each program was killed or changed places with its twin, milliseconds since 1970.
    pub(crate) kills: BTreeMap<String, Vec<i64>>,
}

impl Tally {
    fn note_recovery(&mut self, fault: Fault, took: Duration) {
        self.recovery.entry(format!("{fault:?}")).or_default().push(took);
    }
}

/// Hurts the scene about every `pause` until `stop`, in an order that the seed determines.
pub(crate) async fn plague(
    scene: &Arc<Scene>,
    faults: &[Fault],
    seed: u64,
    pause: Duration,
    stop: &CancellationToken,
) -> Tally {
    let mut random = Rng::with_seed(seed);
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut going_on = JoinSet::new();
    // Every kind once in each round, in a new order.
    let mut round: Vec<Fault> = Vec::new();
    while !stop.is_cancelled() {
        if round.is_empty() {
            round = faults.to_vec();
            random.shuffle(&mut round);
        }
        let fault = round.pop().expect("a round of faults");
        let (scene, tally) = (Arc::clone(scene), Arc::clone(&tally));
        let own = Rng::with_seed(random.u64(..));
        going_on.spawn(async move {
            let hurt = inflict(&scene, fault, own, &tally).await;
            if hurt {
                let mut tally = tally.lock().expect("no fault panicked");
                *tally.faults.entry(format!("{fault:?}")).or_default() += 1;
            }
        });
        let pause = pause.mul_f64(0.5 + random.f64());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
        while going_on.len() >= MIXED {
            going_on.join_next().await.expect("some go on").expect("no fault panicked");
        }
    }
    while let Some(fault) = going_on.join_next().await {
        fault.expect("no fault panicked");
    }
    Arc::try_unwrap(tally).expect("all faults are over").into_inner().expect("no fault panicked")
}

/// Makes one fault happen and pass; false where its victim is hurt already.
async fn inflict(scene: &Scene, fault: Fault, mut random: Rng, tally: &Mutex<Tally>) -> bool {
    if matches!(fault, Fault::KillBroker | Fault::KillBrokerAndMemory) {
        return kill_broker(scene, fault, random, tally).await;
    }
    let seats: Vec<&Seat> = match fault {
        Fault::KillServer | Fault::FreezeServer | Fault::DiskFull => scene.servers.iter().collect(),
        Fault::KillGateway | Fault::FreezeGateway => scene.gateways.iter().collect(),
        _ => scene.seats().collect(),
    };
    let seat = random.choice(seats).expect("a seat");
    let Ok(_hurt) = seat.hurt.try_lock() else { return false };
    let a_while =
        Duration::from_millis(random.u64(100..u64::try_from(FREEZE.as_millis()).expect("short")));
    match fault {
        Fault::KillServer | Fault::KillGateway => {
            let program = seat.running.lock().await.take().expect("it runs");
            program.kill().await;
            note_kill(seat, tally);
            tokio::time::sleep(a_while / 2).await;
            seat.start(scene).await;
        }
        Fault::FreezeServer | Fault::FreezeGateway => freeze(seat, a_while).await,
        Fault::FreezeLong => freeze(seat, LONG).await,
        Fault::LinkReset => link(seat, Behaviour::Reset, a_while / 4).await,
        Fault::LinkCut => link(seat, Behaviour::Cut, a_while / 4).await,
        Fault::LinkHalfOpen => link(seat, Behaviour::HalfOpen, a_while * 3).await,
        Fault::LinkSlow => {
            let by = SLOWEST.mul_f64(random.f64());
            link(seat, Behaviour::Slow(by), a_while * 2).await;
        }
        Fault::DiskFull => {
            let Some(disk) = &seat.disk else { return false };
            disk.fill();
            tokio::time::sleep(a_while).await;
            disk.clear();
        }
        Fault::Twin => {
            note_kill(seat, tally);
            twin(scene, seat, a_while, random.bool()).await;
            note_kill(seat, tally);
        }
        Fault::KillBroker | Fault::KillBrokerAndMemory => {}
    }
    // Where the broker is hurt too, it would be its return that is waited for.
    let broker_is_well = scene.broker_hurt.try_lock().is_ok();
    let took = ready_again(seat).await;
    if broker_is_well && scene.broker_hurt.try_lock().is_ok() {
        tally.lock().expect("no fault panicked").note_recovery(fault, took);
    }
    true
}

/// Waits until a program says that it is ready; how long that took.
async fn ready_again(seat: &Seat) -> Duration {
    let begun = Instant::now();
    let http =
        reqwest::Client::builder().timeout(Duration::from_secs(1)).build().expect("a client");
    let url = format!("{}/readyz", seat.url);
    while begun.elapsed() < PATIENCE {
        let answer = http.get(&url).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begun.elapsed()
}

/// What a program knew in memory, it knows no more.
fn note_kill(seat: &Seat, tally: &Mutex<Tally>) {
    let mut tally = tally.lock().expect("no fault panicked");
    tally.kills.entry(seat.id.clone()).or_default().push(now());
}

async fn freeze(seat: &Seat, how_long: Duration) {
    let running = seat.running.lock().await;
    let program = running.as_ref().expect("it runs");
    program.freeze();
    tokio::time::sleep(how_long).await;
    program.thaw();
}

async fn link(seat: &Seat, behaviour: Behaviour, how_long: Duration) {
    seat.link.set(behaviour);
    tokio::time::sleep(how_long).await;
    seat.link.set(Behaviour::Sound);
}

/// Runs a second program with the same id for a while, on the same database if it has one, as
/// when somebody scales a service that must not be scaled.
async fn twin(scene: &Scene, seat: &Seat, how_long: Duration, gently: bool) {
    let addr = format!("127.0.0.1:{}", free_port());
    let twin = seat.twin(scene, &[("HTTP_ADDR", &addr)]).await;
    tokio::time::sleep(how_long).await;
    if gently {
        twin.stop().await;
    } else {
        twin.kill().await;
    }
}

async fn kill_broker(scene: &Scene, fault: Fault, mut random: Rng, tally: &Mutex<Tally>) -> bool {
    let Ok(_hurt) = scene.broker_hurt.try_lock() else { return false };
    let mut world = scene.world.write().await;
    world.broker.kill().await;
    if fault == Fault::KillBrokerAndMemory {
        world.broker.forget();
    }
    tokio::time::sleep(Duration::from_millis(random.u64(0..1_500))).await;
    world.broker.start_again().await;
    drop(world);
    // A program that is hurt itself says nothing of the broker.
    let waiting = scene.seats().filter_map(|seat| Some((seat, seat.hurt.try_lock().ok()?)));
    let waits = waiting.map(|(seat, hurt)| async move {
        let took = ready_again(seat).await;
        drop(hurt);
        tally.lock().expect("no fault panicked").note_recovery(fault, took);
    });
    futures_util::future::join_all(waits).await;
    true
}
