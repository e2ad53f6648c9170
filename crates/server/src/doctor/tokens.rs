//! The token of the admin API.

use service::SecretHash;
use service::doctor::{Check, secret_file_checks};

use crate::config::{AdminAccess, Config};
use crate::store::TokenHashes;
use crate::token_file;

pub(super) const NAME: &str = "token";
const RENEW: &str =
    "stop the servidor, make another one with `server token --renovar`, and start it again";

const NOT_READ: &str = "the lines of `disk` and `database` say why";

/// Reports that the token was not checked, because the disk of the database has not answered.
pub(super) fn unchecked() -> Check {
    Check::unchecked(NAME, "the file of the token was not read", NOT_READ)
}

/// Checks the file of the token. `exists` says whether there is a database; `stored` has the hashes of
/// the tokens in it, where they were read.
pub(super) fn token_checks(
    config: &Config,
    exists: bool,
    stored: Option<&TokenHashes>,
) -> Vec<Check> {
    let file = config.token_file();
    let shown = file.display();
    let is_operators_file = match config.admin_access {
        AdminAccess::Open => return vec![open(config)],
        AdminAccess::TokensAndFile(_) => true,
        AdminAccess::Tokens => false,
    };
    let mut checks = match token_file::read(&file) {
        Ok(_) if is_operators_file => vec![Check::ok(NAME, format!("{shown} has it"))],
        Ok(token) => vec![known(&token, &shown.to_string(), stored)],
        Err(error) if is_operators_file => {
            let found = format!("a start refuses ADMIN_TOKEN_FILE: {error}");
            let remedy = format!("put a token of 16 to 512 visible ASCII characters in {shown}");
            vec![Check::failure(NAME, found, remedy)]
        }
        // Neither has been made where the first start was not completed.
        Err(error)
            if error.is_missing()
                && (!exists || stored.is_some_and(|all| all.valid.is_empty())) =>
        {
            vec![Check::ok(NAME, format!("the next start makes one in {shown}"))]
        }
        Err(error) if error.is_denied() => {
            let remedy = "run this command as the user of the servidor, or as root";
            vec![Check::unchecked(NAME, error.to_string(), remedy)]
        }
        Err(error) => vec![Check::warning(NAME, error.to_string(), RENEW)],
    };
    checks.extend(secret_file_checks([("the token of the admin API", file.as_path())]));
    checks
}

fn open(config: &Config) -> Check {
    let found = format!(
        "everybody who reaches {} may change everything (ADMIN_ABERTO=sim)",
        config.http_addr
    );
    let remedy =
        "leave ADMIN_ABERTO out, or keep the address to this machine: HTTP_ADDR=127.0.0.1:8000";
    Check::warning(NAME, found, remedy)
}

/// Of a token that the database should have. A start enters one that it does not know, and none that
/// was revoked.
fn known(token: &str, file: &str, stored: Option<&TokenHashes>) -> Check {
    let hash = SecretHash::of(token);
    match stored {
        None => {
            let found = format!("{file} has one, and whether the database has it was not read");
            Check::unchecked(NAME, found, NOT_READ)
        }
        Some(all) if all.valid.contains(hash.as_bytes()) => {
            Check::ok(NAME, format!("{file} has it"))
        }
        Some(all) if all.revoked.contains(hash.as_bytes()) => {
            Check::warning(NAME, format!("the one in {file} was revoked"), RENEW)
        }
        Some(_) => {
            let found = format!("the one in {file} is not in the database, as after a restore");
            let remedy =
                "the next start of the servidor enters it: start it, or restart it if it runs";
            Check::warning(NAME, found, remedy)
        }
    }
}
