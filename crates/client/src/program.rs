//! The command line of a gateway: it runs with settings from the environment, makes a token, or
//! looks at itself.

use std::process::ExitCode;

use clap::Subcommand;
use service::Program;

use crate::config::{Config, HTTP_ADDR, MQTT_CLIENT_ID, SETTINGS};
use crate::doctor::{DoctorArgs, doctor};
use crate::start::Client;
use crate::token::print_token;

const PROGRAM: Program = Program {
    name: "client",
    about: "A gateway (cliente): the HTTP API and the pages for drivers, of all servidores",
    settings: SETTINGS,
    id: ("client_id", MQTT_CLIENT_ID),
    http_addr: HTTP_ADDR,
};

/// What the program can do instead of running.
#[derive(Subcommand)]
enum Task {
    /// Makes a token for an app, and prints it and its line for API_TOKENS_FILE
    Token {
        /// 1 to 64 of A-Z a-z 0-9 _ -
        app: String,
    },
    /// Says what is well, and what to do about what is not; it changes nothing
    Doctor(DoctorArgs),
}

/// Runs the program `client`.
pub fn main() -> ExitCode {
    PROGRAM.main(
        async |shutdown| {
            let config = Config::from_lookup(&service::environment)?;
            let client = Client::start(config).await?;
            client.reload_at(service::reload_signal());
            client.run_until(shutdown).await?;
            Ok(())
        },
        |task| match task {
            Task::Token { app } => print_token(&app).map(|()| ExitCode::SUCCESS),
            Task::Doctor(args) => doctor(&args),
        },
    )
}
