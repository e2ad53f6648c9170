//! `cargo run --release`: the whole system on this machine.

use std::process::ExitCode;

use clap::Parser;
use suite::{Options, Screen, System, SystemError};

/// One line for each request, and of everything else only warnings.
const REQUEST_LOG: &str = "warn,server::handlers=info,service::http=info";

#[tokio::main]
#[expect(clippy::print_stderr, reason = "it must be seen wherever the logs go")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the start screen is for a person")]
async fn run(options: &Options) -> Result<(), SystemError> {
    service::check_environment(server::SETTINGS)?;
    service::check_environment(client::SETTINGS)?;
    let logs = service::init_quiet_logs(&service::environment)?;
    let shutdown = service::shutdown_signal();
    let system = System::start(options).await?;
    system.ready().await?;
    println!("{}", Screen { system: &system, options, free_posto: system.free_posto().await });
    logs.set_filter(REQUEST_LOG);
    shutdown.await;
    println!("\nStopping.");
    system.stop().await;
    Ok(())
}
