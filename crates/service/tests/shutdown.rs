//! Being asked to stop, at any moment.

use std::process::Command;
use std::time::Duration;

#[tokio::test]
async fn a_program_that_is_still_starting_hears_that_it_is_to_stop() {
    let shutdown = service::shutdown_signal();
    let own = std::process::id().to_string();
    assert!(Command::new("kill").args(["-TERM", &own]).status().expect("kill").success());
    // Whatever a program does before it waits.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let heard = tokio::time::timeout(Duration::from_secs(5), shutdown).await;
    assert!(heard.is_ok(), "the signal was not heard");
}
