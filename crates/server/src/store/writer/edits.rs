//! The operator's changes, and chargers'.

use domain::{Moment, Rejection};
use rusqlite::Connection;

use super::super::{Change, Edit, StoreError};
use super::{carregamentos, postos};

/// Makes a change; the id of the row it made or changed.
pub(super) fn apply(
    connection: &Connection,
    edit: &Edit,
    servidor: &str,
    now: Moment,
    changes: &mut Vec<Change>,
) -> Result<Result<i64, Rejection>, StoreError> {
    let no_such_posto =
        |posto_id| Err(Rejection::PostoInexistente { posto_id, servidor: servidor.to_owned() });
    let decision = match edit {
        Edit::CreatePosto(posto) => Ok(postos::insert(connection, None, posto)?),
        Edit::ImportPostos(list) => Ok(postos::import(connection, list)?),
        Edit::ChangePosto(id, change) => match postos::change(connection, *id, change)? {
            true => Ok(*id),
            false => no_such_posto(*id),
        },
        Edit::RemovePosto(id) => match postos::remove(connection, *id, now)? {
            Some(decision) => decision.map(|()| *id),
            None => no_such_posto(*id),
        },
        Edit::StartCarregamento { posto_id, placa } => {
            let started = carregamentos::start(connection, *posto_id, placa, now)?;
            started.unwrap_or_else(|| no_such_posto(*posto_id))
        }
        Edit::FinishCarregamento { posto_id, id, energia_fornecida } => {
            carregamentos::finish(connection, *posto_id, *id, *energia_fornecida, now)?
        }
    };
    let changed = match (edit, &decision) {
        (Edit::ImportPostos(_), _) | (_, Err(_)) => None,
        (Edit::CreatePosto(_), Ok(id)) => Some(*id),
        (
            Edit::ChangePosto(posto_id, _)
            | Edit::RemovePosto(posto_id)
            | Edit::StartCarregamento { posto_id, .. }
            | Edit::FinishCarregamento { posto_id, .. },
            Ok(_),
        ) => Some(*posto_id),
    };
    changes.extend(changed.map(Change::Posto));
    Ok(decision)
}
