//! Finds the handler of a message by its topic, and acknowledges the message afterwards.

use std::sync::Arc;

use bus::{Ack, Delivery, Join};
use domain::PostoChange;
use futures_util::future::join_all;
use protocol::topics::{Command, ServerInbound};
use protocol::{Address, BadMessage};
use tracing::debug;

use super::call::Call;
use super::message::Message;
use super::tasks::Tasks;
use super::{disponibilidade, telemetry};
use crate::app_state::AppState;
use crate::failpoints::{self, CrashPoint};
use crate::store::RecordTelemetry;

/// Longest payload that is read; an array of 256 long commands is far below it.
const MAX_PAYLOAD: usize = 1 << 20;

/// A message that is to be handled here.
enum Work {
    Command { command: Command, direct: bool },
    Telemetry(RecordTelemetry),
    ChargerMessage(i64, PostoChange),
}

/// Spawns the handler of a message. Of a command it reads just enough to know whether it is for
/// this servidor.
pub(super) fn dispatch(app: &Arc<AppState>, delivery: Delivery, tasks: &mut Tasks) {
    let (message, ack) = Message::split(delivery);
    let work = match read(app, &message) {
        Ok(Some(work)) => work,
        Ok(None) => return ack.done(),
        Err(reason) => {
            app.bus.bad_message(&message.topic, &reason);
            return ack.done();
        }
    };
    let app = Arc::clone(app);
    match work {
        Work::Command { command, direct: false } => {
            tasks.spawn(one_command(app, command, message, ack));
        }
        Work::Command { command, direct: true } => {
            tasks.spawn(direct_commands(app, command, message, ack));
        }
        Work::Telemetry(telemetry) => tasks.spawn(async move {
            telemetry::record(&app, &message.topic, telemetry).await;
            ack.done();
        }),
        Work::ChargerMessage(posto_id, change) => tasks.spawn(async move {
            disponibilidade::record(&app, posto_id, change).await;
            ack.done();
        }),
    }
}

/// What there is to do for a message; `None` if nothing.
///
/// # Errors
/// Why it is a bad message.
fn read(app: &AppState, message: &Message) -> Result<Option<Work>, String> {
    let Message { topic, payload, .. } = message;
    let to_text = |bad: BadMessage| bad.to_string();
    if payload.len() > MAX_PAYLOAD {
        return Err(format!("{} bytes is over the limit of {MAX_PAYLOAD}", payload.len()));
    }
    if message.retain {
        // It is older than this connection: it was handled when it was new, or is out of date.
        debug!(topic, "a retained message is not acted on again");
        return Ok(None);
    }
    let inbound = ServerInbound::from_topic(topic, &app.server_id).ok_or("unknown topic")?;
    let is_for_us = |id: &str| id == app.server_id.as_str();
    Ok(Some(match inbound {
        ServerInbound::Command { command, direct } => {
            if !direct {
                let id = Address::server_id(payload).map_err(to_text)?;
                if !is_for_us(&id.ok_or("server_id is missing")?) {
                    return Ok(None);
                }
            }
            Work::Command { command, direct }
        }
        ServerInbound::CarroStatus(placa) => {
            Work::Telemetry(telemetry::from_status(placa, payload).map_err(to_text)?)
        }
        ServerInbound::CarroBateria(placa) => {
            Work::Telemetry(telemetry::from_bateria(placa, payload).map_err(to_text)?)
        }
        ServerInbound::PontoDisponibilidade(posto_id) => {
            // Posto ids repeat across servidores. A message without a server_id is a bad one.
            if matches!(Address::server_id(payload), Ok(Some(id)) if !is_for_us(&id)) {
                return Ok(None);
            }
            let (posto_id, change) = disponibilidade::read(posto_id, payload).map_err(to_text)?;
            Work::ChargerMessage(posto_id, change)
        }
    }))
}

async fn one_command(app: Arc<AppState>, command: Command, message: Message, ack: Ack) {
    crash_on(command, CrashPoint::Received);
    let call = Call::new(&app, command, &message, Join::Never);
    let reply = call.carry_out(&message.payload).await;
    if command == Command::Reserva && failpoints::will_crash_at(CrashPoint::BeforeAck) {
        call.reply(reply, Ack::none());
    } else {
        call.reply(reply, ack);
    }
    crash_on(command, CrashPoint::Replied);
    crash_on(command, CrashPoint::BeforeAck);
}

/// Only reservations are made to fail, or a test could not get as far as to make one.
fn crash_on(command: Command, point: CrashPoint) {
    if command == Command::Reserva {
        failpoints::crash_at(point);
    }
}

/// On its own topic a servidor accepts arrays too; the commands in one are independent.
async fn direct_commands(app: Arc<AppState>, command: Command, message: Message, ack: Ack) {
    match protocol::split(&message.payload) {
        Ok((payloads, array)) => {
            let join = if array { Join::Always } else { Join::Never };
            let call = Call::new(&app, command, &message, join);
            let ours = payloads.into_iter().filter(|payload| call.is_ours(payload));
            let replies = join_all(ours.map(|payload| call.carry_out(payload))).await;
            call.reply(replies.into_iter().flatten(), ack);
        }
        Err(bad) => {
            app.bus.bad_message(&message.topic, &bad.to_string());
            ack.done();
        }
    }
}
