//! The postos of a servidor that never had any.

use std::path::Path;

use tracing::{info, warn};

use crate::config::{Config, PostosCsv};
use crate::import::{ImportError, Mode, NotImported, import_postos, read_file, read_postos};
use crate::start_error::StartError;
use crate::store::{Author, Store, StoreError};

/// Imports the file of postos into a database that never had any.
pub(crate) async fn import_at_first_start(
    store: &Store,
    config: &Config,
) -> Result<(), StartError> {
    if store.ever_had_postos().await.map_err(StartError::Read)? {
        return Ok(());
    }
    let path = config.postos_csv.path().to_owned();
    let postos = match &config.postos_csv {
        PostosCsv::OrSample(path, sample) if is_missing(path) => {
            info!(path = %path.display(), "no file of postos; importing the program's sample postos");
            read_postos(sample.as_bytes())
                .map_err(|wrong| ImportError::Wrong { path: "the sample".to_owned(), wrong })?
        }
        PostosCsv::Default(path) if is_missing(path) => {
            warn!(
                path = %path.display(),
                "no file of postos: starting without any; put one there and restart, send one to POST /postos/importar, or run `server importar FILE`"
            );
            return Ok(());
        }
        // Reading can take long: of a named pipe until somebody writes to it.
        _ => tokio::task::spawn_blocking({
            let path = path.clone();
            move || read_file(&path)
        })
        .await
        .map_err(|_| StartError::Read(StoreError::Closed))??,
    };
    let imported = import_postos(store, Author::Server, postos, Mode::Silent).await;
    let postos = imported.map_err(|error| not_imported(&path, error))?.criados;
    if postos == 0 {
        warn!(path = %path.display(), "the file of postos has none; starting without any");
    }
    info!(postos, path = %path.display(), "imported");
    Ok(())
}

fn is_missing(path: &Path) -> bool {
    path.metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn not_imported(path: &Path, error: NotImported) -> StartError {
    match error {
        NotImported::Wrong(wrong) => {
            StartError::Import(ImportError::Wrong { path: path.display().to_string(), wrong })
        }
        NotImported::Read(error) => StartError::Read(error),
        NotImported::Write(error) => StartError::Write(error),
    }
}
