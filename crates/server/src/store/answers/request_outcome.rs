//! What a reservation request was answered, stored so that its repeat gets the same answer.

use domain::{Estimate, Moment, Rejection, Reserva, ReservaFacts};
use uuid::Uuid;

use super::first_answer::{FirstAnswer, read_estimate};
use super::stored_rejection::{About, rejection};
use crate::digest;
use crate::store::error::StoreError;
use crate::store::rows::reservas::ReservaRow;
use crate::store::rows::row;

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// The same in every repeat.
    pub request_id: String,
    /// Differs if another request reuses the `request_id`.
    pub fingerprint: [u8; 16],
    /// The app that asks, if there is one: nobody else learns of its reserva.
    pub app: Option<String>,
}

/// A reservation that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// As it was made.
    pub reserva: Reserva,
    /// Name of the posto when it was made.
    pub nome: String,
    /// `None` for a reserva of a release that made no estimates.
    pub estimativa: Option<Estimate>,
}

/// How a reservation request was decided, and what became of it.
#[derive(Debug, Clone)]
pub struct RequestOutcome {
    /// `None` for a reserva of a release that did not store it.
    pub(in crate::store) fingerprint: Option<[u8; 16]>,
    /// The app that asked.
    pub(in crate::store) app: Option<String>,
    /// The first answer.
    pub decision: Result<Reserved, Rejection>,
    /// The reserva as it is now, if one was made.
    pub current: Option<CurrentReserva>,
}

/// A reserva as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentReserva {
    pub reserva: Reserva,
    /// Name of its posto: of another one if it was moved.
    pub nome: String,
}

impl RequestOutcome {
    /// The answer to a repeat of the request. One with another fingerprint, or of another app, asks
    /// for something else under the same `request_id`, and is refused.
    pub(in crate::store) fn answer_to(self, key: &RequestKey) -> Result<Reserved, Rejection> {
        match self.fingerprint {
            Some(first) if first != key.fingerprint => Err(Rejection::ChaveReutilizada),
            _ if !self.is_visible_to(key.app.as_deref()) => Err(Rejection::ChaveReutilizada),
            _ => self.decision,
        }
    }

    /// The same for a change of the reserva that this request made: a refusal names it.
    pub(in crate::store) fn answer_to_change(
        self,
        key: &RequestKey,
        reserva_request_id: &str,
    ) -> Result<Reserved, Rejection> {
        self.answer_to(key).map_err(|rejection| match rejection {
            Rejection::ReservaInexistente { server_id, .. } => {
                let reserva = reserva_request_id.to_owned();
                Rejection::ReservaInexistente { reserva, server_id }
            }
            other => other,
        })
    }

    /// As [`is_visible`], of the app that asked.
    pub(in crate::store) fn is_visible_to(&self, app: Option<&str>) -> bool {
        is_visible(self.app.as_deref(), app)
    }
}

/// Whether a request in the name of `app` may see what the app `owner` asked for. What no app asked for
/// is visible to every request.
pub(in crate::store) fn is_visible(owner: Option<&str>, app: Option<&str>) -> bool {
    owner.is_none() || owner == app
}

/// Namespace of the digests of forgotten requests.
const FORGOTTEN_NAMESPACE: Uuid = Uuid::from_u128(0x6f1b_27d4_90ce_4b35_a7e8_0c52_d3f9_4b61);

row! {
    /// A request whose carro was forgotten.
    pub(in crate::store) struct ForgottenRow {
        _known: bool,
    }
}

impl ForgottenRow {
    /// Selects by [`ForgottenRow::digest`].
    pub(in crate::store) const SELECT: &str =
        "SELECT 1 AS _known FROM forgotten_requests WHERE digest = ?1";

    /// Recognises a request without telling which it was, for a `request_id` may be a placa. It is
    /// stored: it must be the same in every version.
    pub(in crate::store) fn digest(request_id: &str) -> [u8; 16] {
        digest::digest(&FORGOTTEN_NAMESPACE, request_id.as_bytes())
    }

    pub(in crate::store) fn outcome(self, request_id: &str, server_id: &str) -> RequestOutcome {
        forgotten(request_id, server_id)
    }
}

row! {
    /// What else a `request_id` was used for.
    pub(in crate::store) struct UsedRow {
        /// A request whose carro was forgotten.
        forgotten: bool,
        /// A request of the other kind.
        other: bool,
    }
}

impl UsedRow {
    /// Selects by digest and `request_id` of a reservation: the other kind are changes.
    pub(in crate::store) const FOR_RESERVATION: &str =
        "SELECT EXISTS (SELECT 1 FROM forgotten_requests WHERE digest = ?1) AS forgotten,
                EXISTS (SELECT 1 FROM all_alteracoes WHERE request_id = ?2) AS other";
    /// The same of a change: the other kind are reservations.
    pub(in crate::store) const FOR_CHANGE: &str =
        "SELECT EXISTS (SELECT 1 FROM forgotten_requests WHERE digest = ?1) AS forgotten,
                EXISTS (SELECT 1 FROM all_reservas WHERE request_id = ?2)
                OR EXISTS (SELECT 1 FROM refusals WHERE request_id = ?2) AS other";

    /// `None` if it was not used.
    pub(in crate::store) fn outcome(
        self,
        request_id: &str,
        server_id: &str,
    ) -> Option<RequestOutcome> {
        let decision = match self {
            Self { other: true, .. } => Err(Rejection::ChaveReutilizada),
            Self { forgotten: true, .. } => return Some(forgotten(request_id, server_id)),
            _ => return None,
        };
        Some(RequestOutcome { fingerprint: None, app: None, decision, current: None })
    }
}

/// Nothing else is known of a request whose carro was forgotten.
fn forgotten(request_id: &str, server_id: &str) -> RequestOutcome {
    let (reserva, server_id) = (request_id.to_owned(), server_id.to_owned());
    let decision = Err(Rejection::ReservaInexistente { reserva, server_id });
    RequestOutcome { fingerprint: None, app: None, decision, current: None }
}

row! {
    /// A request that made a reserva.
    pub(in crate::store) struct AcceptedRow {
        fingerprint: Option<Vec<u8>>,
        first_nome: String,
        posto_nome: String,
        estimativa: Option<String>,
        first_answer: Option<String>,
        ..reserva: ReservaRow,
    }
}

impl AcceptedRow {
    /// Selects by `request_id`. A reserva of an old release has no `nome` of its own: it is that of
    /// its first posto.
    pub(in crate::store) const SELECT: &str = "SELECT r.*, p.nome AS posto_nome, COALESCE(r.nome, \
         (SELECT f.nome FROM postos AS f WHERE f.id = r.first_answer ->> 0), p.nome) AS first_nome \
         FROM all_reservas AS r JOIN postos AS p ON p.id = r.posto_id WHERE r.request_id = ?1";

    /// As [`ReservaRow::absent_by`].
    pub(in crate::store) fn absent_by(self, absences_until: Moment, now: Moment) -> Self {
        Self { reserva: self.reserva.absent_by(absences_until, now), ..self }
    }

    pub(in crate::store) fn outcome(self, now: Moment) -> Result<RequestOutcome, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of a request"));
        let recorded = self.reserva.reserva()?.ok_or_else(|| corrupt("placa"))?;
        let fingerprint =
            self.fingerprint.map(|bytes| fingerprint(&bytes, &recorded.request_id)).transpose()?;
        let (reserva, nome) = match &self.first_answer {
            None => (recorded.clone(), &self.first_nome),
            Some(json) => {
                let first = FirstAnswer::parse(json).ok_or_else(|| corrupt("first answer"))?;
                let facts = ReservaFacts {
                    interval: first.interval,
                    preco_kwh: first.preco_kwh,
                    ..recorded.facts
                };
                let is_moved = first.posto_id != recorded.posto_id;
                let nome = if is_moved { &self.posto_nome } else { &self.first_nome };
                (Reserva { posto_id: first.posto_id, facts, ..recorded.clone() }, nome)
            }
        };
        let current = CurrentReserva { nome: nome.clone(), reserva: recorded.at(now) };
        // The first answer was given when the reserva was made, whatever it is now.
        let ReservaFacts { interval, preco_kwh, tolerancia, .. } = reserva.facts;
        let made = self.reserva.created_at();
        let facts = ReservaFacts::new(interval, preco_kwh, tolerancia, None, made);
        let read = |json| read_estimate(json, preco_kwh).ok_or_else(|| corrupt("estimate"));
        let estimativa = self.estimativa.as_deref().map(read).transpose()?;
        let reserva = Reserva { facts, ..reserva };
        let decision = Ok(Reserved { reserva, nome: self.first_nome, estimativa });
        let (app, current) = (self.reserva.app, Some(current));
        Ok(RequestOutcome { fingerprint, app, decision, current })
    }
}

row! {
    /// A request that was refused.
    pub(in crate::store) struct RefusedRow {
        request_id: String,
        fingerprint: Vec<u8>,
        posto_id: i64,
        nome: String,
        rejection: String,
        /// The value that a rule had.
        detail: Option<i64>,
        app: Option<String>,
    }
}

impl RefusedRow {
    /// Selects by `request_id`.
    pub(in crate::store) const SELECT: &str = "SELECT * FROM refusals WHERE request_id = ?1";

    pub(in crate::store) fn outcome(self, server_id: &str) -> Result<RequestOutcome, StoreError> {
        let fingerprint = fingerprint(&self.fingerprint, &self.request_id)?;
        let corrupt = || StoreError::Corrupt(format!("rejection of request {}", self.request_id));
        let (nome, request_id) = (&self.nome, &self.request_id);
        let about = About { posto_id: self.posto_id, nome, request_id, server_id };
        let rejection = rejection(&self.rejection, self.detail, about);
        let decision = Err(rejection.ok_or_else(corrupt)?);
        Ok(RequestOutcome {
            fingerprint: Some(fingerprint),
            app: self.app,
            decision,
            current: None,
        })
    }
}

pub(in crate::store) fn fingerprint(
    bytes: &[u8],
    request_id: &str,
) -> Result<[u8; 16], StoreError> {
    let corrupt = |_| StoreError::Corrupt(format!("fingerprint of request {request_id}"));
    bytes.try_into().map_err(corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_of_a_forgotten_request_never_changes() {
        let digest = Uuid::from_bytes(ForgottenRow::digest("r1")).to_string();
        assert_eq!(digest, "2aaa0a50-3006-5c8e-b156-998f94270112");
    }
}
