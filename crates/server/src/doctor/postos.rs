//! The file of postos, which the next start reads if the servidor never had one.

use std::io::ErrorKind;

use service::doctor::Check;

use crate::config::{Config, PostosCsv};
use crate::import::{ImportError, read_file};
use crate::start_error::StartError;

pub(super) const NAME: &str = "postos";
/// Lines of an error that are shown.
const MAX_LINES: usize = 10;

pub(super) fn postos_check(config: &Config) -> Check {
    let path = config.postos_csv.path().display();
    match read_file(config.postos_csv.path()) {
        Ok(postos) if postos.is_empty() => {
            let found = format!("there are none, and {path} has none");
            Check::warning(NAME, found, "add them to it, or by POST /postos")
        }
        Ok(postos) => {
            Check::ok(NAME, format!("the next start imports {} from {path}", postos.len()))
        }
        Err(ImportError::File { reason, .. })
            if reason.kind() == ErrorKind::NotFound
                && !matches!(config.postos_csv, PostosCsv::Named(_)) =>
        {
            let remedy = "put one there and restart, or send one to POST /postos/importar";
            Check::warning(NAME, format!("there are none, and no {path}"), remedy)
        }
        Err(error) => {
            let reason = StartError::from(error).to_string();
            let lines: Vec<_> = reason.lines().map(str::trim).take(MAX_LINES).collect();
            let found = format!("a start refuses {path}");
            Check::failure(NAME, found, lines.join("; "))
        }
    }
}
