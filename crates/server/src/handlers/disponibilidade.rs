//! `pontos/{posto_id}/disponibilidade`: a charger reports that it is in or out of service.

use std::borrow::Cow;

use domain::{ChargerMessage, PayloadDigest, Rejection};
use protocol::{BadMessage, PontoDisponibilidade, ServerId, topics};
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::message::Message;
use crate::app_state::AppState;
use crate::digest;
use crate::failpoints::{self, Bug};
use crate::store::{
    Audited, Author, ChargerReport, ChargerSource, RecordChargerMessage, WriteError,
};

/// Namespace of the digests of payloads.
const PAYLOAD_NAMESPACE: Uuid = Uuid::from_u128(0x52b0_94e6_3f0d_4c8a_8a77_19c6_d1f3_0e58);

/// The charger and its message; `None` if a retained message was cleared. A topic of one servidor
/// alone names it.
pub(super) fn read(
    posto_id: &str,
    topic_server_id: Option<&ServerId>,
    message: &Message,
) -> Result<Option<(ChargerSource, ChargerMessage)>, BadMessage> {
    let payload = &message.payload;
    // The message that clears a retained one is delivered too. It says nothing about the charger.
    if payload.is_empty() {
        return Ok(None);
    }
    let posto_id = posto_of(posto_id, payload);
    let report = PontoDisponibilidade::from_json(payload, &posto_id, topic_server_id)?;
    let message = ChargerMessage {
        disponivel: report.disponivel,
        em_manutencao: report.em_manutencao,
        retained: message.is_retained.then(|| digest(payload)),
        replayed: message.replayed,
    };
    let source =
        ChargerSource { posto_id: report.ponto_id.get(), direct: topic_server_id.is_some() };
    Ok(Some((source, message)))
}

/// Whose charger it is: the topic says so, for rights at the broker are for topics.
fn posto_of<'a>(topic_posto_id: &'a str, payload: &[u8]) -> Cow<'a, str> {
    if failpoints::has(Bug::BelievedPayload)
        && let Ok(claims) = serde_json::from_slice::<serde_json::Value>(payload)
    {
        return claims["ponto_id"].to_string().into();
    }
    topic_posto_id.into()
}

/// Stored for each charger: it must be the same in every version.
pub(super) fn digest(payload: &[u8]) -> PayloadDigest {
    digest::digest(&PAYLOAD_NAMESPACE, payload)
}

pub(super) async fn record(app: &AppState, source: ChargerSource, message: ChargerMessage) {
    app.charger_messages.write(source, message, |message| write(app, source, message)).await;
}

pub(super) async fn retry(app: &AppState, source: ChargerSource) {
    app.charger_messages.retry(source, |message| write(app, source, message)).await;
}

async fn write(
    app: &AppState,
    source: ChargerSource,
    message: ChargerMessage,
) -> Result<bool, WriteError> {
    let posto_id = source.posto_id;
    let command = RecordChargerMessage { source, message };
    let outcome = app.store.execute(Audited { by: Author::Charger, command }).await;
    match &outcome {
        Ok(ChargerReport::Changed) => {
            info!(posto_id, disponivel = message.disponivel, "charger message stored");
        }
        Ok(ChargerReport::Unchanged) => debug!(posto_id, "a charger message changes nothing"),
        Ok(ChargerReport::Outdated) => {
            debug!(posto_id, "a retained charger message is older than what is known");
        }
        // With each connection the broker sends it again.
        Err(WriteError::Rejected(rejection)) if message.replayed => {
            debug!(posto_id, %rejection, "a retained charger message was not stored");
        }
        Err(WriteError::Rejected(rejection)) => report_rejected(app, source, rejection),
        Err(error) => warn!(posto_id, %error, "a charger message was not stored"),
    }
    outcome.map(|report| report != ChargerReport::Outdated)
}

/// Logs each reason once: a charger whose posto was removed may report for years.
fn report_rejected(app: &AppState, source: ChargerSource, rejection: &Rejection) {
    let ChargerSource { posto_id, direct } = source;
    let topic = topics::charger_report(posto_id, direct.then_some(&app.server_id));
    let reason = rejection.to_string();
    if app.charger_messages.is_new_bad(&topic, digest(reason.as_bytes())) {
        app.bus.bad_message(&topic, &reason);
    } else {
        app.bus.repeated_bad_message();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_never_changes() {
        let digest = Uuid::from_bytes(digest(br#"{"disponivel":false}"#)).to_string();
        assert_eq!(digest, "37e3805c-97bd-5c0d-abb0-bf3ee8700a86");
    }
}
