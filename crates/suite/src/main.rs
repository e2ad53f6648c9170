//! `cargo run --release`: the whole system on this machine.

use std::process::ExitCode;

use clap::Parser;
use suite::{Options, Screen, System, SystemError};
use tokio::runtime::Runtime;

/// One line for each request, and of everything else only warnings.
const REQUEST_LOG: &str = "warn,server::handlers=info,service::http=info";

#[expect(clippy::print_stderr, reason = "it must be seen wherever the logs go")]
fn main() -> ExitCode {
    let options = Options::parse();
    let ended = Runtime::new().map_err(SystemError::Runtime).and_then(|runtime| {
        let ended = runtime.block_on(run(&options));
        // Does not wait for threads: one may look up the name of the broker for as long as it takes.
        runtime.shutdown_background();
        ended
    });
    match ended {
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
    let logs = service::init_quiet_logs("suite", &service::environment)?;
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
