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
    let logs = service::init_quiet_logs();
    match run(&options, logs).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
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
    logs.tell(STORY);
    shutdown.await;
    println!("\nStopping.");
    system.stop().await;
    Ok(())
}

#[allow(clippy::print_stderr)] // Must be seen even where logs go elsewhere.
fn print_error(error: &SystemError) {
    eprintln!("{error}");
}
