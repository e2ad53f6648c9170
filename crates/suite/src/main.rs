//! `cargo run --release`: the whole system on this machine.

use std::process::ExitCode;

use clap::Parser;
use suite::{Options, SystemError};
use tokio::runtime::Runtime;

#[expect(clippy::print_stderr, reason = "it must be seen wherever the logs go")]
fn main() -> ExitCode {
    let options = Options::parse();
    let ended = Runtime::new().map_err(SystemError::Runtime).and_then(|runtime| {
        let ended = runtime.block_on(suite::run(&options));
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
