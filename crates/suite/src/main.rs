//! `cargo run --release`: the whole system on this machine.

use std::process::ExitCode;

use clap::Parser;
use service::QuietLogs;
use suite::{Options, Screen, System, SystemError};

/// One line for each request, and of everything else only warnings.
const REQUEST_LOG: &str = "warn,server::handlers=info,service::http=info";

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let ended = match service::init_quiet_logs(&service::environment) {
        Ok(logs) => run(&options, logs).await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            print_error(&reason);
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the start screen is for a person")]
async fn run(options: &Options, logs: QuietLogs) -> Result<(), SystemError> {
    let shutdown = service::shutdown_signal();
    let system = System::start(options).await?;
    system.ready().await?;
    println!("{}", Screen::new(&system, options, system.free_posto().await));
    logs.set_filter(REQUEST_LOG);
    shutdown.await;
    println!("\nStopping.");
    system.stop().await;
    Ok(())
}

#[expect(clippy::print_stderr, reason = "it must be seen wherever the logs go")]
fn print_error(reason: &str) {
    eprintln!("{reason}");
}
