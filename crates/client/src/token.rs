//! The subcommand `token`: makes a token for an app, which the running program learns of from the
//! file alone.

use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;

use protocol::AppId;
use service::{SecretHash, new_secret};

use crate::app_tokens::line;

/// So that a token that is found somewhere says what it is.
const PREFIX: &str = "app_";

/// Prints a new token, and the line for the file. Where standard output is a file, it gets only the
/// line, so that `>>` adds it to the tokens, and the token is printed to standard error.
///
/// # Errors
/// `app` is no id, or there is no random number.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the answer to the command line")]
pub(crate) fn print_token(app: &str) -> Result<(), Box<dyn Error>> {
    let Ok(app) = app.parse::<AppId>() else {
        return Err(format!("APP is {app:?}; it should be 1 to 64 of A-Z a-z 0-9 _ -").into());
    };
    let token = new_secret(PREFIX)?;
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    if output.metadata()?.is_file() {
        eprintln!("{token}");
    } else {
        println!("{token}");
    }
    println!("{}", line(&app, &SecretHash::of(&token)));
    Ok(())
}
