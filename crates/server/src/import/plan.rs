//! What importing a file changes.
//!
//! The postos are compared outside the writer, which then writes only what differs: reservas wait
//! for that and not for the comparison (docs/decisions/0049).

use std::collections::HashMap;

use domain::{Posto, PostoChange};
use serde::{Deserialize, Serialize};
use tokio::task;
use tracing::error;
use utoipa::ToSchema;

use super::row::ImportedPosto;
use super::wrong::WrongFile;
use crate::store::{Audited, Author, ImportPostos, OperatorPosto, Store, StoreError, WriteError};

/// How often an import is compared anew because postos were made or removed meanwhile.
const MAX_PLANS: u32 = 5;

/// Quantos postos um arquivo cria, altera e deixa como estão.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Counts {
    /// Postos novos.
    pub criados: usize,
    /// Postos em que algo mudou.
    pub alterados: usize,
    /// Postos que já eram assim.
    pub iguais: usize,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotImported {
    #[error("{0}")]
    Wrong(WrongFile),
    #[error("{0}")]
    Read(#[from] StoreError),
    #[error("{0}")]
    Write(#[from] WriteError),
}

/// What to do with the postos of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Import them.
    Import,
    /// The same without events: no servidor runs, or none of these postos was published before.
    Silent,
    /// Only say what would be imported.
    Simulate,
}

/// Brings the database to what a file says, in one transaction.
pub(crate) async fn import_postos(
    store: &Store,
    by: Author,
    postos: Vec<ImportedPosto>,
    mode: Mode,
) -> Result<Counts, NotImported> {
    let mut postos = postos;
    let audited = |command| Audited { by: by.clone(), command };
    for _ in 0..MAX_PLANS {
        let stored = store.operator_postos().await?;
        let planned = task::spawn_blocking(move || {
            let planned = plan(&postos, &stored);
            (postos, planned)
        });
        let (again, planned) = planned.await.map_err(|_| StoreError::Closed)?;
        postos = again;
        let (counts, mut command) = planned.map_err(NotImported::Wrong)?;
        command.silent = mode == Mode::Silent;
        let nothing_to_write = command.new.is_empty() && command.changed.is_empty();
        if mode == Mode::Simulate || nothing_to_write || store.execute(audited(command)).await? {
            return Ok(counts);
        }
    }
    error!("postos are made and removed faster than a file of them is compared");
    Err(WriteError::Overloaded.into())
}

/// Compares a file with the postos there are.
fn plan(
    postos: &[ImportedPosto],
    stored: &[OperatorPosto],
) -> Result<(Counts, ImportPostos), WrongFile> {
    let by_id: HashMap<i64, &OperatorPosto> = stored.iter().map(|row| (row.id, row)).collect();
    let (mut counts, mut wrong) = (Counts::default(), WrongFile::default());
    let mut command = ImportPostos::default();
    for posto in postos {
        match posto.id.and_then(|id| by_id.get(&id)) {
            Some(removed) if removed.is_removed() => wrong.add(
                posto.line,
                "id",
                &removed.id.to_string(),
                "este posto foi removido, e seu número não volta: deixe a célula vazia para criar outro"
                    .to_owned(),
            ),
            Some(stored) => {
                let change = change_of(posto, stored);
                if stored.has(&change) {
                    counts.iguais += 1;
                } else {
                    counts.alterados += 1;
                    command.changed.push((stored.id, change));
                }
            }
            None => {
                counts.criados += 1;
                command.new.push((posto.id, new_posto(posto)));
            }
        }
    }
    // A new id is greater than those that the file names.
    command.new.sort_by_key(|(id, _)| id.is_none());
    wrong.if_any()?;
    Ok((counts, command))
}

/// Makes the change that a row asks of a posto that exists. A place that is the same stays as it is
/// stored, with all its digits: a spreadsheet drops zeros at their ends.
fn change_of(posto: &ImportedPosto, stored: &OperatorPosto) -> PostoChange {
    let is_elsewhere = !posto.localizacao.is_same_place(&stored.localizacao);
    PostoChange {
        nome: Some(posto.nome.clone()),
        localizacao: is_elsewhere.then(|| posto.localizacao.clone()),
        potencia_maxima: posto.potencia_maxima,
        tipo_conector: posto.tipo_conector.clone(),
        preco_kwh: posto.preco_kwh,
        in_service: posto.in_service,
        em_manutencao: posto.em_manutencao,
    }
}

/// Makes the posto that a row describes, with defaults for what the row does not say.
fn new_posto(posto: &ImportedPosto) -> Posto {
    Posto {
        nome: posto.nome.clone(),
        localizacao: posto.localizacao.clone(),
        potencia_maxima: posto.potencia_maxima.unwrap_or_default(),
        tipo_conector: posto.tipo_conector.clone().unwrap_or_default(),
        preco_kwh: posto.preco_kwh.unwrap_or_default(),
        in_service: posto.in_service.unwrap_or(true),
        em_manutencao: posto.em_manutencao.unwrap_or(false),
    }
}
