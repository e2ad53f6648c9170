//! Finds the handler of a message by its topic, and acknowledges the message afterwards.

use std::sync::Arc;

use bus::{Ack, Delivery};
use domain::ChargerMessage;
use futures_util::future::join_all;
use protocol::topics::{self, Command, Report, ServerInbound};
use protocol::{Address, BadMessage, first_messages, is_array};
use tracing::debug;

use super::call::{Addressee, Call, TracedReply};
use super::message::{Item, Message};
use super::tasks::Tasks;
use super::{disponibilidade, telemetry};
use crate::app_state::AppState;
use crate::charger_messages::ChargerSource;
use crate::failpoints::{self, CrashPoint};
use crate::failure::Failure;
use crate::store::RecordTelemetry;

/// Longest payload that is read; an array of 256 long commands is far below it.
const MAX_PAYLOAD: usize = 1 << 20;

const NO_SERVER_ID: &str = "server_id is missing";

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
        Work::Command { command, direct } => {
            tasks.spawn(commands(app, command, direct, message, ack));
        }
        Work::Refused { command, direct, reason } => {
            refuse(&app, command, &message, direct, &reason, ack);
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

/// Only reservations are made to fail, or a test could not get as far as to make one.
fn crash_on(command: Command, point: CrashPoint) {
    if command == Command::Reserva {
        failpoints::crash_at(point);
    }
}

/// Carries out a command, or those of an array that are for this servidor; they are independent.
async fn commands(app: Arc<AppState>, command: Command, direct: bool, message: Message, ack: Ack) {
    let (payloads, is_array) = match protocol::split_array(&message.payload) {
        Ok(found) => found,
        Err(bad) => return refuse(&app, command, &message, direct, &bad, ack),
    };
    let of = payloads.len();
    let mut ours: Vec<_> = payloads.into_iter().enumerate().collect();
    if direct || is_array {
        ours.retain(|(_, payload)| is_ours(&app, &message, direct, payload));
    }
    if ours.is_empty() {
        return ack.done();
    }
    crash_on(command, CrashPoint::Received);
    let call = Call::new(&app, command, &message, is_array);
    let work = ours.into_iter().map(|(index, one)| call.carry_out(one, Item { index, of }));
    let answers = join_all(work).await.into_iter().flatten().collect();
    if command == Command::Reserva && failpoints::will_crash_at(CrashPoint::BeforeAck) {
        call.reply(answers, Ack::none()).await;
    } else {
        call.reply(answers, ack).await;
    }
    crash_on(command, CrashPoint::Replied);
    crash_on(command, CrashPoint::BeforeAck);
}

/// Whether a command is for this servidor. One that names no servidor is answered on this servidor's
/// own topic; where every servidor receives it, each only reports it.
fn is_ours(app: &AppState, message: &Message, direct: bool, payload: &[u8]) -> bool {
    match Addressee::of(payload, &app.server_id) {
        Addressee::Us => true,
        Addressee::Another => false,
        Addressee::Nobody => {
            if !direct {
                app.bus.bad_message(&message.topic, NO_SERVER_ID);
            }
            direct
        }
    }
}

/// Answers the senders of a message that is refused as a whole. Of a long array these are its
/// first [`protocol::MAX_ARRAY`] commands, so that one message never causes more replies than
/// another.
fn refuse(
    app: &AppState,
    command: Command,
    message: &Message,
    direct: bool,
    reason: &BadMessage,
    ack: Ack,
) {
    let call = Call::new(app, command, message, is_array(&message.payload));
    let mut commands = first_messages(&message.payload);
    let before = commands.len();
    let addressee = |payload: &[u8]| Addressee::of(payload, &app.server_id);
    commands.retain(|payload| addressee(payload) != Addressee::Another);
    if before > 0 && commands.is_empty() {
        return ack.done();
    }
    app.bus.bad_message(&message.topic, &reason.to_string());
    // What every servidor receives and names none is answered by none.
    commands.retain(|payload| direct || addressee(payload) == Addressee::Us);
    let refuse = |payload: &[u8]| {
        let failure = Failure::Bad(reason.clone());
        app.metrics.handled(command, Some(failure.codigo()));
        call.refuse(failure, payload).map(TracedReply::from)
    };
    call.publish(commands.into_iter().filter_map(refuse).collect(), Some(ack.after_answer()), None);
}
