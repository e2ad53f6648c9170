//! A signal during the start; in a test binary of its own because it signals its own process.

use std::process::Command;
use std::time::Duration;

#[tokio::test]
async fn a_signal_during_the_start_is_not_lost() {
    let own = std::process::id().to_string();
    for signal in ["-TERM", "-INT", "-QUIT", "-XCPU"] {
        let shutdown = service::shutdown_signal();
        assert!(Command::new("kill").args([signal, &own]).status().expect("kill").success());
        // Stands for the start of a program, before it awaits the shutdown.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let shutdown = tokio::time::timeout(Duration::from_secs(5), shutdown).await;
        assert!(shutdown.is_ok(), "{signal} was lost");
    }
}
