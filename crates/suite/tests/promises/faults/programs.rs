//! Faults of a program as a whole, of its link, and of the broker.

use std::sync::Mutex;
use std::time::Duration;

use fastrand::Rng;

use super::{Fault, FaultRecord, ready_again};
use crate::cluster::{Cluster, Node};
use crate::harness::free_port;
use crate::history::now;
use crate::proxy::Behaviour;

pub(super) async fn freeze(node: &Node, duration: Duration, record: &Mutex<FaultRecord>) {
    let since = now();
    let running = node.running.lock().await;
    let program = running.as_ref().expect("it runs");
    program.freeze();
    tokio::time::sleep(duration).await;
    program.thaw();
    let (frozen, mut record) = ((since, now()), record.lock().expect("no fault panicked"));
    record.freezes.entry(node.id.clone()).or_default().push(frozen);
    record.silences.push(frozen);
}

pub(super) async fn link(node: &Node, behaviour: Behaviour, duration: Duration) {
    node.link.set(behaviour);
    tokio::time::sleep(duration).await;
    node.link.set(Behaviour::Normal);
}

/// Runs a second program with the same id, and the same database if it has one: a service that
/// must not be scaled was scaled.
pub(super) async fn twin(cluster: &Cluster, node: &Node, duration: Duration, gently: bool) {
    let addr = format!("127.0.0.1:{}", free_port());
    let twin = node.twin(cluster, &[("HTTP_ADDR", &addr)]).await;
    tokio::time::sleep(duration).await;
    if gently {
        twin.stop().await;
    } else {
        twin.kill().await;
    }
}

pub(super) async fn kill_broker(
    cluster: &Cluster,
    fault: Fault,
    mut random: Rng,
    record: &Mutex<FaultRecord>,
) -> bool {
    let Ok(_lock) = cluster.broker_fault_lock.try_lock() else { return false };
    let mut world = cluster.world.write().await;
    let since = now();
    world.broker.kill().await;
    if fault == Fault::KillBrokerAndMemory {
        world.broker.delete_saved_state();
    }
    tokio::time::sleep(Duration::from_millis(random.u64(0..1_500))).await;
    world.broker.start_again().await;
    drop(world);
    record.lock().expect("no fault panicked").silences.push((since, now()));
    // A program with its own fault would not measure the return of the broker.
    let waiting = cluster.nodes().filter_map(|node| Some((node, node.fault_lock.try_lock().ok()?)));
    let waits = waiting.map(|(node, lock)| async move {
        let took = ready_again(node).await;
        drop(lock);
        record.lock().expect("no fault panicked").add_recovery(fault, took);
    });
    futures_util::future::join_all(waits).await;
    true
}
