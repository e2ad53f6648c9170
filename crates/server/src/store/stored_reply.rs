//! What was answered to a request, kept so that its repeat gets the same answer.

use domain::{Rejection, Reserva, ReservaState, StretchError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use sqlx::SqliteExecutor;

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
    pub(super) fn answer(&self, fingerprint: [u8; 16]) -> Decision {
        match self.fingerprint {
            Some(first) if first != fingerprint => Err(Rejection::ChaveReutilizada),
            _ => self.decision.clone(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ReplyRow {
    asked: String,
    #[serde(deserialize_with = "from_hex")]
    fingerprint: Option<Vec<u8>>,
    decided_posto_id: Option<i64>,
    nome: Option<String>,
    rejection: Option<String>,
    /// All zeros and blanks where the answer was a refusal.
    reserva: ReservaRow,
}

from_row!(ReplyRow { asked, fingerprint, decided_posto_id, nome, rejection } then { reserva });

/// Bytes as SQLite's `hex()` writes them, which is empty for none.
fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).unwrap_or_default();
        u8::from_str_radix(pair, 16).map_err(D::Error::custom)
    });
    let bytes = pairs.collect::<Result<Vec<u8>, _>>()?;
    Ok((!bytes.is_empty()).then_some(bytes))
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

impl ReplyRow {
    /// The request and its reply.
    pub(super) fn read(self, servidor: &str) -> Result<(String, StoredReply), StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of request {}", self.asked));
        let nome = self.nome.clone().unwrap_or_default();
        let fingerprint = match self.fingerprint.as_deref() {
            Some(bytes) => Some(bytes.try_into().map_err(|_| corrupt("fingerprint"))?),
            None => None,
        };
        if let Some(word) = &self.rejection {
            let posto_id = self.decided_posto_id.unwrap_or_default();
            let rejection =
                rejection(word, posto_id, nome, servidor).ok_or_else(|| corrupt("rejection"))?;
            let reply = StoredReply { fingerprint, decision: Err(rejection), current: None };
            return Ok((self.asked, reply));
        }
        let current = Reserva::try_from(self.reserva)?;
        // A reserva is active when it is made, whatever has become of it since.
        let made = Reserva { state: ReservaState::Ativa, ..current.clone() };
        let decision = Ok(Reserved { reserva: made, nome });
        Ok((self.asked, StoredReply { fingerprint, decision, current: Some(current) }))
    }
}

/// Selects the replies to the request ids in a JSON array.
macro_rules! replies_sql {
    ($request_ids:literal) => {
        concat!(
            "SELECT asked.value AS asked, COALESCE(r.fingerprint, q.fingerprint) AS fingerprint,
                    q.posto_id AS decided_posto_id, COALESCE(r.nome, q.nome, p.nome) AS nome,
                    q.rejection,
                    COALESCE(r.id, 0) AS id, COALESCE(r.request_id, '') AS request_id,
                    COALESCE(r.posto_id, 0) AS posto_id, COALESCE(r.placa, '') AS placa,
                    COALESCE(r.inicio, 0) AS inicio, COALESCE(r.fim, 0) AS fim,
                    COALESCE(r.status, '') AS status
             FROM json_each(",
            $request_ids,
            ") AS asked
             LEFT JOIN refusals AS q ON q.request_id = asked.value
             LEFT JOIN reservas AS r ON r.request_id = asked.value
             LEFT JOIN postos AS p ON p.id = r.posto_id AND r.nome IS NULL
             WHERE q.seq IS NOT NULL OR r.id IS NOT NULL"
        )
    };
}
pub(super) use replies_sql;

/// The stored reply to a request that has come before.
pub(super) async fn find(
    executor: impl SqliteExecutor<'_>,
    request_id: &str,
    servidor: &str,
) -> Result<Option<StoredReply>, StoreError> {
    let row: Option<ReplyRow> = sqlx::query_as(replies_sql!("?1"))
        .bind(serde_json::json!([request_id]).to_string())
        .fetch_optional(executor)
        .await?;
    let reply = row.map(|row| row.read(servidor)).transpose()?;
    Ok(reply.map(|(_, reply)| reply))
}
