//! One connection, from CONNECT to its end. A new one starts from nothing: what must outlive a
//! connection is kept in the outbox.

mod codec;
mod connect_packet;
mod dial;
mod greeting;
mod handshakes;
mod in_flight;
mod inbox;
mod incoming;
mod loss;
mod on_demand;
mod peer;
mod sending;
mod socket;
mod tls;
mod tls_problem;
mod trial;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use protocol::Timestamp;
use rumqttc::v5::mqttbytes::v5::{ConnAck, PingReq};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

pub(crate) use dial::{Dialer, Resolve, resolve_by_system};
pub(crate) use loss::{Loss, Reason};
pub(crate) use socket::Opened;
pub(crate) use trial::TrialConnection;

use crate::outbox::{Batch, GivenUp};
use crate::presence::{PresenceHistory, PresencePublisher};
use crate::state::BusState;
use crate::{Delivery, Link, Options};
use connect_packet::receive_maximum;
use in_flight::InFlight;
use inbox::Inbox;
use socket::{BrokerLimits, KEEP_ALIVE, Reader, Writer};

/// For SUBSCRIBE and its answer.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
/// For publishing the offline presence and DISCONNECT.
pub(crate) const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a connection is checked. Also the precision of the limits that are checked.
const CHECKUP_INTERVAL: Duration = Duration::from_millis(250);
/// A connection is dead if nothing arrives for so long: at least a ping is unanswered.
const SILENCE_LIMIT: Duration = Duration::from_secs(2 * KEEP_ALIVE.as_secs());
/// A packet that the broker has not answered after so long will never be answered.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// How many packets are read before anything else is done.
const MAX_READ_AT_ONCE: usize = 256;

struct Connection<'a> {
    state: &'a BusState,
    options: &'a Options,
    reader: Reader,
    writer: Writer,
    /// Packets that wait for the socket: many are written at once.
    outgoing: BytesMut,
    /// The socket did not take all of it, or of what was encrypted of it.
    is_unwritten: bool,
    inbox: Inbox<'a>,
    in_flight: InFlight,
    presence: Option<PresencePublisher<'a>>,
    limits: BrokerLimits,
    connected_at: Instant,
    last_incoming: Instant,
    /// When the socket last took more of what it had not taken before.
    last_progress: Instant,
    last_ping: Instant,
    /// Reused for packet ids to acknowledge.
    ready_acks: Vec<u16>,
}

/// Connects and stays connected until the connection breaks or the bus is closed. The link is up
/// once everything is subscribed to.
pub(crate) async fn run(
    state: &BusState,
    options: &Options,
    dialer: &mut Dialer,
    deliveries: &mpsc::Sender<Delivery>,
    generation: u64,
    since: Timestamp,
    history: &mut PresenceHistory,
) -> Result<(), Loss> {
    let presence = options.presence.as_ref();
    let presence = presence.map(|presence| PresencePublisher::new(presence, since, history));
    let (reader, writer, connack) = tokio::select! {
        connected = socket::connect(options, dialer, presence.as_ref()) => connected?,
        () = state.closed_while_offline() => return Ok(()),
    };
    let connected_at = Instant::now();
    state.counters.reconnects.add(usize::from(generation > 1));
    let limits = BrokerLimits::from_connack(&connack);
    state.max_packet.store(limits.max_packet, Ordering::Relaxed);
    state.outbox.lock().begin_connection(generation);
    let mut connection = Connection {
        state,
        options,
        reader,
        writer,
        outgoing: BytesMut::new(),
        is_unwritten: false,
        inbox: Inbox::new(state, deliveries, generation),
        in_flight: InFlight::default(),
        presence,
        limits,
        connected_at,
        last_incoming: connected_at,
        last_progress: connected_at,
        last_ping: connected_at,
        ready_acks: Vec::new(),
    };
    let result = connection.stay_connected(&connack, generation, since).await;
    let was_up = state.link.borrow().generation().is_some();
    state.set_link(Link::Down);
    state.in_flight.store(0, Ordering::Relaxed);
    state.presence_seen.store(false, Ordering::Relaxed);
    let by_broker = result.as_ref().is_err_and(|reason| reason.blame().is_some());
    let presence = connection.presence.as_ref();
    let has_predecessor = presence.is_some_and(|presence| presence.has_predecessor);
    let presence_problem = presence.and_then(|presence| presence.problem_at_end(by_broker));
    let unanswered = connection.in_flight.into_unanswered();
    let (blames_messages, suspect) = put_back(state, options, unanswered, result.as_ref().err());
    result.map_err(|reason| Loss {
        reason,
        lasted: Some(connected_at.elapsed()),
        session_present: connack.session_present,
        was_up,
        has_predecessor,
        blames_messages,
        suspect,
        presence_problem,
    })
}

/// Keeps the messages without an answer for the next connection. Returns whether one of them may
/// have ended this connection, and the topic of the one that probably has.
fn put_back(
    state: &BusState,
    options: &Options,
    unanswered: Vec<(Batch, Instant)>,
    reason: Option<&Reason>,
) -> (bool, Option<Arc<str>>) {
    let now = Instant::now();
    let blame = reason.filter(|_| options.give_up_poison).and_then(Reason::blame);
    let only_topic = match unanswered.as_slice() {
        [(only, _)] if blame.is_some() => Some(Arc::clone(&only.topic)),
        _ => None,
    };
    let is_blamed = |sent: Instant| blame.is_some_and(|blame| blame.covers(sent, now));
    let blames_messages = unanswered.iter().any(|(_, sent)| is_blamed(*sent));
    let (was_isolating, given_up) = {
        let mut outbox = state.outbox.lock();
        (outbox.is_isolating(), outbox.put_back(unanswered, blame, now))
    };
    if let Some(GivenUp { message, refusal }) = given_up {
        state.give_up(message, refusal);
    }
    (blames_messages, only_topic.filter(|_| was_isolating))
}

impl Connection<'_> {
    /// Subscribes, sends and receives, and disconnects.
    async fn stay_connected(
        &mut self,
        connack: &ConnAck,
        generation: u64,
        since: Timestamp,
    ) -> Result<(), Reason> {
        let Options { mqtt_id, broker, port, .. } = self.options;
        let (session_present, window) = (connack.session_present, self.limits.window);
        tracing::debug!(mqtt_id, session_present, window, "broker accepted the connection");
        let state = self.state;
        tokio::select! {
            subscribed = timeout(SUBSCRIBE_TIMEOUT, self.subscribe()) => {
                subscribed.unwrap_or(Err(Reason::SubscribeTimeout))?;
            }
            // Without DISCONNECT, so that the broker publishes the Last Will.
            () = state.closed_while_offline() => return Ok(()),
        }
        let birth = self.presence.as_mut().map(PresencePublisher::first_birth);
        self.publish_presence(birth)?;
        state.on_demand.lock().begin_connection(session_present);
        state.set_problem(None);
        state.set_link(Link::Up { generation, since, at: Instant::now() });
        tracing::info!(mqtt_id, broker, port, generation, "connected");
        self.exchange_messages().await?;
        state.set_link(Link::Down);
        // Without an answer in time the connection is dropped, as after a loss.
        timeout(DISCONNECT_TIMEOUT, self.disconnect()).await.unwrap_or(Ok(()))
    }

    /// The main loop: sends and receives until the bus is being closed and nothing is left to
    /// send, or the deadline has passed.
    async fn exchange_messages(&mut self) -> Result<(), Reason> {
        let state = self.state;
        let deliveries = self.inbox.queue;
        let mut close_deadline = state.close_deadline.subscribe();
        let mut checkup = interval(CHECKUP_INTERVAL);
        checkup.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.pump()?;
        loop {
            self.flush()?;
            state.in_flight.store(self.in_flight.len(), Ordering::Relaxed);
            let deadline = *close_deadline.borrow_and_update();
            if deadline.is_some_and(|deadline| self.is_drained() || Instant::now() >= deadline) {
                return Ok(());
            }
            tokio::select! {
                packet = self.reader.next() => {
                    self.on_packet(packet?)?;
                    for _ in 1..MAX_READ_AT_ONCE {
                        let Some(packet) = self.reader.next_now() else { break };
                        self.on_packet(packet?)?;
                    }
                    self.pump()?;
                }
                () = self.writer.writable(), if self.is_unwritten => self.pump()?,
                () = state.wake.notified() => {
                    // Other tasks that are about to publish do so first, and share the write.
                    tokio::task::yield_now().await;
                    self.pump()?;
                }
                permit = deliveries.reserve(), if self.inbox.has_overflow() => {
                    self.inbox.drain(permit.ok());
                }
                _ = checkup.tick() => self.check_up()?,
                Ok(()) = close_deadline.changed() => {}
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.in_flight.len() == 0 && self.state.outbox.lock().len() == 0
    }

    /// Writes and reads until the packet with this id is answered.
    async fn wait_for_answer(&mut self, pkid: u16) -> Result<(), Reason> {
        loop {
            self.write()?;
            if !self.in_flight.contains(pkid) {
                return Ok(());
            }
            tokio::select! {
                packet = self.reader.next() => self.on_packet(packet?)?,
                () = self.writer.writable(), if self.is_unwritten => {}
            }
        }
    }

    /// Gives up a connection that makes no progress.
    fn check_up(&mut self) -> Result<(), Reason> {
        let now = Instant::now();
        // While a long packet is on its way over a slow link, no later one is answered.
        let is_busy = now.duration_since(self.last_progress) <= ANSWER_LIMIT;
        if !is_busy && now.duration_since(self.last_incoming) > SILENCE_LIMIT {
            return Err(Reason::Silence);
        }
        if now.duration_since(self.last_ping) >= self.limits.keep_alive {
            self.last_ping = now;
            PingReq::write(&mut self.outgoing)?;
        }
        let oldest = self.in_flight.oldest();
        if !is_busy && oldest.is_some_and(|since| now.duration_since(since) > ANSWER_LIMIT) {
            return Err(Reason::Unanswered);
        }
        // Abandoned deliveries reduce what the broker may send on this connection, in the end to
        // nothing.
        if self.inbox.acks.abandoned() * 2 > usize::from(receive_maximum(self.options)) {
            return Err(Reason::Abandoned);
        }
        if let Some(presence) = &mut self.presence {
            presence.check_delivery(now);
        }
        self.report_presence();
        if self.state.outbox.lock().has_suspect() {
            self.pump()?;
        }
        self.repeat_birth_if_due()
    }
}
