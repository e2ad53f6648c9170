//! What a request to change a reserva was answered, as JSON in its row.

use domain::{Aviso, Interval, Moment, Price, Rejection, Reserva, ReservaFacts, ReservaState};
use serde::{Deserialize, Serialize};

use super::first_answer::{read_estimate, write_estimate};
use super::request_outcome::{CurrentReserva, RequestOutcome, Reserved, fingerprint};
use super::stored_rejection::{About, rejection, stored_form};
use crate::store::error::StoreError;
use crate::store::rows::row;

row! {
    /// A request to change a reserva.
    pub(in crate::store) struct ChangeRow {
        request_id: String,
        fingerprint: Vec<u8>,
        app: Option<String>,
        answer: String,
        /// The request that made the reserva; `None` if there was no such reserva.
        pub reserva_request_id: Option<String>,
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredAnswer {
    Changed(Changed),
    Refused(Refused),
}

/// The reserva as it then was: nothing that is not here can be set while it can be changed.
#[derive(Serialize, Deserialize)]
struct Changed {
    posto_id: i64,
    nome: String,
    inicio: i64,
    fim: i64,
    status: String,
    desde: i64,
    preco_kwh: f64,
    versao: i64,
    aviso: Option<String>,
    estimativa: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    rejection: String,
    detail: Option<i64>,
    posto_id: i64,
    nome: String,
}

/// The answer to a change that was made.
pub(in crate::store) fn write_changed(changed: &Reserved) -> Result<String, StoreError> {
    let Reserved { reserva, nome, estimativa } = changed;
    let facts = &reserva.facts;
    write(&StoredAnswer::Changed(Changed {
        posto_id: reserva.posto_id,
        nome: nome.clone(),
        inicio: facts.interval.inicio().as_millis(),
        fim: facts.interval.fim().as_millis(),
        status: facts.state.as_str().to_owned(),
        desde: facts.desde.as_millis(),
        preco_kwh: facts.preco_kwh.get(),
        versao: facts.versao,
        aviso: facts.aviso.map(|aviso| aviso.as_str().to_owned()),
        estimativa: estimativa.as_ref().map(write_estimate).transpose()?,
    }))
}

/// The answer to a change that was refused; `None` if refusals of this kind are not kept.
pub(in crate::store) fn write_refused(
    rejection: &Rejection,
    posto_id: i64,
    nome: &str,
) -> Result<Option<String>, StoreError> {
    let Some((name, detail)) = stored_form(rejection) else { return Ok(None) };
    let (rejection, nome) = (name.into_owned(), nome.to_owned());
    write(&StoredAnswer::Refused(Refused { rejection, detail, posto_id, nome })).map(Some)
}

fn write(answer: &StoredAnswer) -> Result<String, StoreError> {
    serde_json::to_string(answer).map_err(|error| StoreError::Corrupt(error.to_string()))
}

impl ChangeRow {
    /// Selects by the `request_id` of the change.
    pub(in crate::store) const SELECT: &str =
        "SELECT request_id, fingerprint, app, answer,
                (SELECT r.request_id FROM all_reservas AS r WHERE r.id = reserva_id) AS reserva_request_id
         FROM all_alteracoes WHERE request_id = ?1";

    /// `reserva` is the one that it changes, as it is now.
    pub(in crate::store) fn outcome(
        self,
        server_id: &str,
        reserva: Option<CurrentReserva>,
    ) -> Result<RequestOutcome, StoreError> {
        let corrupt = || StoreError::Corrupt(format!("answer to change {}", self.request_id));
        let answer: StoredAnswer = serde_json::from_str(&self.answer).map_err(|_| corrupt())?;
        let decision = match answer {
            StoredAnswer::Refused(Refused { rejection: name, detail, posto_id, nome }) => {
                // Which reserva it named, its sender knows.
                let request_id = &self.request_id;
                let about = About { posto_id, nome: &nome, request_id, server_id };
                Err(rejection(&name, detail, about).ok_or_else(corrupt)?)
            }
            StoredAnswer::Changed(changed) => {
                let current = reserva.as_ref().ok_or_else(corrupt)?;
                Ok(changed.reserved(&current.reserva).ok_or_else(corrupt)?)
            }
        };
        let fingerprint = fingerprint(&self.fingerprint, &self.request_id)?;
        Ok(RequestOutcome {
            fingerprint: Some(fingerprint),
            app: self.app,
            decision,
            current: reserva,
        })
    }
}

impl Changed {
    fn reserved(self, reserva: &Reserva) -> Option<Reserved> {
        let moment = Moment::from_millis;
        let preco_kwh = Price::new(self.preco_kwh).ok()?;
        let facts = ReservaFacts {
            state: ReservaState::parse(&self.status).ok()?,
            versao: self.versao,
            aviso: self.aviso.as_deref().map(Aviso::parse).transpose().ok()?,
            ..ReservaFacts::new(
                Interval::new(moment(self.inicio), moment(self.fim)).ok()?,
                preco_kwh,
                reserva.facts.tolerancia,
                None,
                moment(self.desde),
            )
        };
        let estimativa = match &self.estimativa {
            Some(json) => Some(read_estimate(json, preco_kwh)?),
            None => None,
        };
        let reserva = Reserva { posto_id: self.posto_id, facts, ..reserva.clone() };
        Some(Reserved { reserva, nome: self.nome, estimativa })
    }
}
