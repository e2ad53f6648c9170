//! `cargo run --release`: the whole system on this machine.

use std::process::ExitCode;

use clap::Parser;
use service::QuietLogs;
use suite::{Options, Screen, System, SystemError};

/// The story of each request, and nothing of the connections behind it.
const STORY: &str = "warn,server::handlers=info,service::http=info";

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

#[allow(clippy::print_stdout)] // The one screen of the project.
async fn run(options: &Options, logs: QuietLogs) -> Result<(), SystemError> {
    let shutdown = service::shutdown_signal();
    let system = System::start(options).await?;
    system.ready().await?;
    println!("{}", Screen::new(&system, options, system.free_posto().await));
    logs.set_filter(STORY);
    shutdown.await;
    println!("\nStopping.");
    system.stop().await;
    Ok(())
}

#[allow(clippy::print_stderr)] // Must be seen even where logs go elsewhere.
fn print_error(reason: &str) {
    eprintln!("{reason}");
}
