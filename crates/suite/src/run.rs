//! Runs the system until somebody stops it, or one of its parts ends.

use std::convert::Infallible;

use service::QuietLogs;

use crate::{Options, Screen, System, SystemError};

/// One line for each request, and of everything else only warnings.
const REQUEST_LOG: &str = "warn,server::handlers=info,service::http=info";

/// Starts the system, says on standard output what to try, and stops it at Ctrl-C.
///
/// # Errors
/// It cannot start, or a part of it has ended; the others are stopped then.
#[expect(clippy::print_stdout, reason = "what a person reads who has started it")]
pub async fn run(options: &Options) -> Result<(), SystemError> {
    service::check_environment(server::SETTINGS)?;
    service::check_environment(client::SETTINGS)?;
    let logs = service::init_quiet_logs("suite", &service::environment)?;
    let shutdown = service::shutdown_signal();
    let mut system = System::start(options).await?;
    let ended = tokio::select! {
        ended = show_until_a_part_ends(&mut system, options, &logs) => ended.map(drop),
        () = shutdown => Ok(()),
    };
    println!("\nStopping.");
    system.stop().await;
    ended
}

#[expect(clippy::print_stdout, reason = "the start screen is for a person")]
async fn show_until_a_part_ends(
    system: &mut System,
    options: &Options,
    logs: &QuietLogs,
) -> Result<Infallible, SystemError> {
    if let Err(error) = system.ready().await {
        return Err(system.ended_part().unwrap_or(error));
    }
    println!("{}", Screen { system: &*system, options, free_posto: system.free_posto().await });
    logs.set_filter(REQUEST_LOG);
    Err(system.until_a_part_ends().await)
}
