//! What was answered to a request, kept so that its repeat gets the same answer.

use domain::{Rejection, Reserva, ReservaState, StretchError};

use super::rows::{ReservaRow, from_row};
use super::{Reserved, StoreError};

/// How a request was decided.
pub(super) type Decision = Result<Reserved, Rejection>;

/// A decision and what it was about.
#[derive(Debug, Clone)]
pub(super) struct StoredReply {
    /// `None` for a reserva that was made before fingerprints were kept with it.
    pub(super) fingerprint: Option<[u8; 16]>,
    /// The first answer.
    pub(super) decision: Decision,
    /// The reserva as it stands now, where there is one.
    pub(super) current: Option<Reserva>,
}

impl StoredReply {
    /// The answer to a repeat that asks for what `fingerprint` stands for.
    pub(super) fn answer(self, fingerprint: [u8; 16]) -> Decision {
        match self.fingerprint {
            Some(first) if first != fingerprint => Err(Rejection::ChaveReutilizada),
            _ => self.decision,
        }
    }
}

/// A request that made a reserva.
pub(super) struct MadeRow {
    reserva: ReservaRow,
    fingerprint: Option<Vec<u8>>,
    nome: String,
}

from_row!(MadeRow { fingerprint, nome } then { reserva });

impl MadeRow {
    /// Selects the one of a request id.
    pub(super) const SELECT: &str =
        "SELECT r.id, r.request_id, r.posto_id, r.placa, r.inicio, r.fim, r.status, r.fingerprint,
                COALESCE(r.nome, p.nome) AS nome
         FROM reservas AS r JOIN postos AS p ON p.id = r.posto_id WHERE r.request_id = ?1";

    pub(super) fn read(self) -> Result<StoredReply, StoreError> {
        let current = Reserva::try_from(self.reserva)?;
        let fingerprint = match self.fingerprint {
            Some(bytes) => Some(fingerprint(&bytes, &current.request_id)?),
            None => None,
        };
        // A reserva is active when it is made, whatever has become of it since.
        let reserva = Reserva { state: ReservaState::Ativa, ..current.clone() };
        let decision = Ok(Reserved { reserva, nome: self.nome });
        Ok(StoredReply { fingerprint, decision, current: Some(current) })
    }
}

/// A request that was refused.
pub(super) struct RefusedRow {
    request_id: String,
    fingerprint: Vec<u8>,
    posto_id: i64,
    nome: String,
    rejection: String,
}

from_row!(RefusedRow { request_id, fingerprint, posto_id, nome, rejection });

impl RefusedRow {
    /// Selects the one of a request id.
    pub(super) const SELECT: &str = "SELECT request_id, fingerprint, posto_id, nome, rejection
         FROM refusals WHERE request_id = ?1";

    pub(super) fn read(self, servidor: &str) -> Result<StoredReply, StoreError> {
        let fingerprint = fingerprint(&self.fingerprint, &self.request_id)?;
        let corrupt = || StoreError::Corrupt(format!("rejection of request {}", self.request_id));
        let rejection = rejection(&self.rejection, self.posto_id, self.nome, servidor);
        let decision = Err(rejection.ok_or_else(corrupt)?);
        Ok(StoredReply { fingerprint: Some(fingerprint), decision, current: None })
    }
}

fn fingerprint(bytes: &[u8], request_id: &str) -> Result<[u8; 16], StoreError> {
    let corrupt = |_| StoreError::Corrupt(format!("fingerprint of request {request_id}"));
    bytes.try_into().map_err(corrupt)
}

/// One word per refusal, with which it is found again.
const fn stretch_word(error: StretchError) -> &'static str {
    match error {
        StretchError::FimNotAfterInicio => "fim_not_after_inicio",
        StretchError::FimInPast => "fim_in_past",
        StretchError::InicioInPast => "inicio_in_past",
        StretchError::TooLong => "too_long",
    }
}

/// The word a refusal of a reservation is stored as; `None` for refusals of other commands.
pub(super) fn rejection_word(rejection: &Rejection) -> Option<&'static str> {
    Some(match rejection {
        Rejection::PostoInexistente { .. } => "posto_inexistente",
        Rejection::PostoJaReservadoParaEsteCarro { .. } => "posto_ja_reservado_para_este_carro",
        Rejection::PostoReservado { .. } => "posto_reservado",
        Rejection::PostoOcupado { .. } => "posto_ocupado",
        Rejection::PostoIndisponivel { .. } => "posto_indisponivel",
        Rejection::PostoEmManutencao { .. } => "posto_em_manutencao",
        Rejection::Stretch(error) => stretch_word(*error),
        _ => return None,
    })
}

fn rejection(word: &str, posto_id: i64, nome: String, servidor: &str) -> Option<Rejection> {
    Some(match word {
        "posto_inexistente" => {
            Rejection::PostoInexistente { posto_id, servidor: servidor.to_owned() }
        }
        "posto_ja_reservado_para_este_carro" => Rejection::PostoJaReservadoParaEsteCarro { nome },
        "posto_reservado" => Rejection::PostoReservado { nome },
        "posto_ocupado" => Rejection::PostoOcupado { nome },
        "posto_indisponivel" => Rejection::PostoIndisponivel { nome },
        "posto_em_manutencao" => Rejection::PostoEmManutencao { nome },
        "fim_not_after_inicio" => Rejection::Stretch(StretchError::FimNotAfterInicio),
        "fim_in_past" => Rejection::Stretch(StretchError::FimInPast),
        "inicio_in_past" => Rejection::Stretch(StretchError::InicioInPast),
        "too_long" => Rejection::Stretch(StretchError::TooLong),
        _ => return None,
    })
}
