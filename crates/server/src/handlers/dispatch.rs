//! Finds the handler of a message by its topic, and acknowledges the message afterwards.

use std::sync::Arc;

use bus::{Ack, Delivery};
use domain::ChargerMessage;
use futures_util::future::join_all;
use protocol::topics::{self, Command, Report, ServerInbound};
use protocol::{Address, BadMessage, is_array};
use tracing::debug;

use super::call::{Call, NO_SERVER_ID};
use super::message::{Item, Message};
use super::tasks::Tasks;
use super::{disponibilidade, telemetry};
use crate::app_state::AppState;
use crate::failpoints::{self, CrashPoint};
use crate::store::{ChargerSource, RecordTelemetry};

/// Longest payload that is read; an array of 256 long commands is far below it.
const MAX_PAYLOAD: usize = 1 << 20;

/// A message that is to be handled here.
enum Work {
    Command {
        command: Command,
        direct: bool,
    },
    /// A command, or an array of them, that is too long.
    Refused {
        command: Command,
        direct: bool,
        reason: BadMessage,
    },
    Telemetry(RecordTelemetry),
    ChargerMessage(ChargerSource, ChargerMessage),
}

/// Spawns the handler of a message. Of a command it reads just enough to know whether it is for
/// this servidor.
pub(super) fn dispatch(app: &Arc<AppState>, delivery: Delivery, tasks: &mut Tasks) {
    let (message, ack) = Message::split(delivery);
    let work = match read(app, &message) {
        Ok(Some(work)) => work,
        Ok(None) => return ack.done(),
        Err(reason) => {
            report_bad(app, &message, &reason);
            return ack.done();
        }
    };
    let app = Arc::clone(app);
    match work {
        Work::Command { command, direct } => tasks.spawn(async move {
            let call = Call::new(&app, command, direct, &message);
            carry_out_all(&call, ack).await;
        }),
        Work::Refused { command, direct, reason } => {
            Call::new(&app, command, direct, &message).refuse_all(&reason, ack);
        }
        Work::Telemetry(telemetry) => tasks.spawn(async move {
            telemetry::record(&app, &message.topic, telemetry).await;
            ack.done();
        }),
        Work::ChargerMessage(source, message) => tasks.spawn(async move {
            disponibilidade::record(&app, source, message).await;
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
    let inbound = ServerInbound::from_topic(topic, &app.server_id).ok_or("unknown topic")?;
    let is_charger =
        matches!(inbound, ServerInbound::Report { report: Report::PontoDisponibilidade(_), .. });
    if message.replayed && !is_charger {
        // It is older than this connection: it was handled when it was new, or is out of date.
        debug!(topic = &*topics::loggable(topic), "a retained message is not acted on again");
        return Ok(None);
    }
    let is_for_us = |id: &str| id == app.server_id.as_str();
    Ok(Some(match inbound {
        ServerInbound::Command { command, direct } => {
            if let Err(reason) = check_length(payload) {
                let reason = BadMessage::NotJson(reason);
                return Ok(Some(Work::Refused { command, direct, reason }));
            }
            if !direct && !is_array(payload) {
                let id = Address::server_id(payload).map_err(to_text)?;
                if !is_for_us(&id.ok_or(NO_SERVER_ID)?) {
                    return Ok(None);
                }
            }
            Work::Command { command, direct }
        }
        ServerInbound::Report { report, direct } => {
            check_length(payload)?;
            return read_report(app, message, report, direct);
        }
    }))
}

/// What a device reports. Nothing in it counts that its topic does not say too.
fn read_report(
    app: &AppState,
    message: &Message,
    report: Report<'_>,
    direct: bool,
) -> Result<Option<Work>, String> {
    let payload = &message.payload;
    let to_text = |bad: BadMessage| bad.to_string();
    let topic_server_id = direct.then_some(&app.server_id);
    // The message that clears a retained one has no payload.
    if let Some(server_id) = topic_server_id
        && !payload.is_empty()
    {
        Address::check_topic(payload, server_id).map_err(to_text)?;
    }
    // On a topic of one servidor `server_id` may be left out, and was checked above if it is there.
    let own = app.server_id.as_str();
    if !direct && matches!(Address::server_id(payload), Ok(Some(id)) if id != own) {
        return Ok(None);
    }
    Ok(match report {
        Report::CarroStatus(placa) => {
            Some(Work::Telemetry(telemetry::from_status(placa, payload).map_err(to_text)?))
        }
        Report::CarroBateria(placa) => {
            Some(Work::Telemetry(telemetry::from_bateria(placa, payload).map_err(to_text)?))
        }
        Report::PontoDisponibilidade(posto_id) => {
            // Posto ids repeat across servidores. A message without a server_id is a bad one.
            let read = disponibilidade::read(posto_id, topic_server_id, message);
            read.map_err(to_text)?.map(|(source, message)| Work::ChargerMessage(source, message))
        }
    })
}

/// Each one once, also if the broker retains it and sends it again with each connection.
fn report_bad(app: &AppState, message: &Message, reason: &str) {
    let Message { topic, payload, replayed, is_retained, .. } = message;
    let is_new =
        !is_retained || app.charger_messages.is_new_bad(topic, disponibilidade::digest(payload));
    if is_new || !replayed {
        app.bus.bad_message(topic, reason);
    }
}

fn check_length(payload: &[u8]) -> Result<(), String> {
    if payload.len() > MAX_PAYLOAD {
        return Err(format!("tem {} bytes, e o limite é de {MAX_PAYLOAD}", payload.len()));
    }
    Ok(())
}

/// Crashes on a reservation alone: a test first sends other commands, which must be carried out.
fn crash_on(command: Command, point: CrashPoint) {
    if command == Command::Reserva {
        failpoints::crash_at(point);
    }
}

/// Carries out a command, or those of an array that are for this servidor; they are independent.
async fn carry_out_all(call: &Call<'_>, ack: Ack) {
    let payloads = match protocol::split_array(&call.message.payload) {
        Ok((payloads, _)) => payloads,
        Err(bad) => return call.refuse_all(&bad, ack),
    };
    let of = payloads.len();
    let mut ours: Vec<_> = payloads.into_iter().enumerate().collect();
    if call.direct || call.is_array {
        ours.retain(|(_, payload)| call.is_ours(payload));
    }
    if ours.is_empty() {
        return ack.done();
    }
    crash_on(call.command, CrashPoint::Received);
    let work = ours.into_iter().map(|(index, one)| call.carry_out(one, Item { index, of }));
    let answers = join_all(work).await.into_iter().flatten().collect();
    if call.command == Command::Reserva && failpoints::will_crash_at(CrashPoint::BeforeAck) {
        call.reply(answers, Ack::none()).await;
    } else {
        call.reply(answers, ack).await;
    }
    crash_on(call.command, CrashPoint::Replied);
    crash_on(call.command, CrashPoint::BeforeAck);
}
