//! Carros that come to their postos, late, early or never.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use protocol::KeyedCall;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::admin::Caller;
use super::cluster::Cluster;
use super::drivers::{Driver, Workload};
use super::gateway_calls::keyed_request;
use super::history::{Micros, Operation, Outcome, Reserva, Session, now};
use super::operator::operate;

/// How long most visits are agreed to last.
const SHORTEST: i64 = 3_000;
const LONGEST: i64 = 9_000;
/// Drivers have the numbers below.
const FIRST_VISITOR: usize = 1_000;
/// Wh that one session takes, at most.
const MAX_ENERGIA: i64 = 60_000;

/// Lets `count` carros come and go, and an operator work at each servidor, until `stop`.
pub(crate) async fn visit(
    cluster: &Arc<Cluster>,
    workload: &Arc<Workload>,
    count: usize,
    tolerancia: Duration,
    stop: &CancellationToken,
) {
    let mut tasks = JoinSet::new();
    let caller = |number: usize| {
        let driver = Driver::new(workload, FIRST_VISITOR + number);
        Caller { driver, cluster: Arc::clone(cluster) }
    };
    for number in 0..count {
        let mut visitor = Visitor { caller: caller(number), tolerancia, stop: stop.clone() };
        tasks.spawn(async move {
            while !visitor.stop.is_cancelled() {
                visitor.come_and_go().await;
            }
        });
    }
    for index in 0..cluster.servers.len() {
        let stop = stop.clone();
        let mut operator = caller(count + index);
        tasks.spawn(async move {
            while !stop.is_cancelled() {
                operate(&mut operator, index).await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("nobody panicked");
    }
}

struct Visitor {
    caller: Caller,
    tolerancia: Duration,
    stop: CancellationToken,
}

impl Visitor {
    async fn come_and_go(&mut self) {
        let servers = self.caller.cluster.servers.len();
        let index = self.random().usize(0..servers);
        let posto_id = self.caller.random_posto();
        if self.random().u8(0..6) == 0 {
            let placa = self.caller.driver.workload.new_placa();
            let leaves_at = now() + self.random().i64(0..1_500);
            return self.charge(index, &placa, posto_id, leaves_at).await;
        }
        let Some((request_id, reserva)) = self.reserve(index, posto_id).await else {
            return self.caller.pause(300).await;
        };
        if self.random().u8(0..12) == 0 {
            return self.stay_away(&reserva).await;
        }
        if self.random().u8(0..5) == 0 {
            self.change(index, &request_id, &reserva).await;
        }
        // Some come a little before their time.
        let late = self.random().i64(-300..1_800);
        self.wait_until(reserva.window.0 + late).await;
        // It asks where it should go, or goes where it was to go at first.
        let mut posto_id = reserva.posto_id;
        let mut fim = reserva.window.1;
        if self.random().u8(0..4) > 0 {
            let id = self.caller.cluster.servers[index].id.clone();
            let asked =
                self.caller.driver.call(&id, Operation::Consult, None, Some(request_id)).await;
            if let Outcome::Reserva(now) = asked {
                (posto_id, fim) = (now.posto_id, now.window.1);
            }
        }
        // Most leave early; some stay for longer than they said.
        let leaves_at = match self.random().u8(0..5) {
            0 => fim + self.random().i64(0..4_000),
            _ => now() + self.random().i64(0..(fim - now()).max(1)),
        };
        self.charge(index, &reserva.placa, posto_id, leaves_at).await;
    }

    async fn charge(&mut self, index: usize, placa: &str, posto_id: i64, leaves_at: i64) {
        let Some(session) = self.arrive(index, placa, posto_id).await else { return };
        if self.random().u8(0..8) == 0 {
            let elsewhere = self.caller.random_posto();
            if elsewhere != posto_id {
                // It is refused, or the checker says that it should have been.
                if let Some(second) = self.arrive(index, placa, elsewhere).await {
                    self.leave(index, &second).await;
                }
            }
        }
        self.wait_until(leaves_at).await;
        self.leave(index, &session).await;
    }

    /// A reserva that begins soon.
    async fn reserve(&mut self, index: usize, posto_id: i64) -> Option<(String, Reserva)> {
        let placa = self.caller.driver.workload.new_placa();
        let inicio = now() + self.random().i64(0..2_500);
        let length = self.random().i64(SHORTEST..LONGEST);
        let window = Some((inicio, inicio + length));
        self.reserve_as(index, Operation::Reserve { placa, posto_id, window }).await
    }

    async fn reserve_as(
        &mut self,
        index: usize,
        operation: Operation,
    ) -> Option<(String, Reserva)> {
        let (id, key) =
            (self.caller.cluster.servers[index].id.clone(), self.caller.driver.new_key());
        for _ in 0..4 {
            match self.caller.driver.call(&id, operation.clone(), Some(&key), None).await {
                Outcome::Reserva(reserva) => {
                    let request_id = keyed_request(KeyedCall::Reservar, &id, &key);
                    return Some((request_id, *reserva));
                }
                Outcome::TimedOut | Outcome::Broken => self.caller.pause(200).await,
                _ => return None,
            }
        }
        None
    }

    /// The interval becomes longer, shorter or later, or the posto another one.
    async fn change(&mut self, index: usize, request_id: &str, reserva: &Reserva) {
        let (inicio, fim) = reserva.window;
        let by = self.random().i64(-1_500..4_000);
        let other = self.caller.random_posto();
        let (posto_id, inicio, fim) = match self.random().u8(0..4) {
            0 => (Some(other), None, None),
            1 => (None, Some(inicio + by), Some(fim + by)),
            _ => (None, None, Some(fim + by)),
        };
        let id = self.caller.cluster.servers[index].id.clone();
        self.caller.driver.change(&id, request_id, posto_id, inicio, fim).await;
    }

    /// Nobody comes.
    async fn stay_away(&mut self, reserva: &Reserva) {
        let waits = self.tolerancia.as_millis() as i64 + 500;
        self.wait_until((reserva.window.0 + waits).min(reserva.window.1)).await;
    }

    async fn arrive(&mut self, index: usize, placa: &str, posto_id: i64) -> Option<Session> {
        let operation = Operation::Arrive { placa: placa.to_owned(), posto_id };
        match self.caller.settle(index, operation).await {
            Outcome::Session(session) => Some(session),
            _ => None,
        }
    }

    async fn leave(&mut self, index: usize, session: &Session) {
        // In whole Wh, as meters count.
        let energia = Micros::from(self.random().i64(1..MAX_ENERGIA)) * 1_000;
        let (posto_id, session) = (session.posto_id, session.id);
        self.caller.settle(index, Operation::Leave { posto_id, session, energia }).await;
    }

    fn random(&mut self) -> &mut Rng {
        self.caller.random()
    }

    /// Or until the end of the run.
    async fn wait_until(&mut self, moment: i64) {
        let left = u64::try_from(moment - now()).unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(left)) => {}
            () = self.stop.cancelled() => {}
        }
    }
}
