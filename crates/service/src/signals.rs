//! Signals: those that stop a program, and those that must not end it.

use std::pin::Pin;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{Instrument as _, error, info};

/// Completes on SIGTERM, SIGINT (Ctrl-C), SIGQUIT (Ctrl-\) or SIGXCPU, which announces that the
/// limit of processor time is near.
pub type Shutdown = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Listens for the signals from the call on, not only once the result is awaited: call it before
/// anything that takes time, or a signal during the start kills the program. Must be called within
/// a tokio runtime.
pub fn shutdown_signal() -> Shutdown {
    let interrupt = next_signal(SignalKind::interrupt());
    let terminate = next_signal(SignalKind::terminate());
    let quit = next_signal(SignalKind::quit());
    let processor_limit = next_signal(SignalKind::from_raw(libc::SIGXCPU));
    Box::pin(async {
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
            () = quit => {}
            () = processor_limit => {}
        }
    })
}

/// SIGHUP: what was read from files of secrets is to be read again. All who listen get every signal.
pub struct Reload(Option<Signal>);

/// Listens from the call on. Must be called within a tokio runtime.
pub fn reload_signal() -> Reload {
    Reload(listen(SignalKind::hangup()))
}

impl Reload {
    /// Calls `reload` at each signal, as long as the program runs, and logs what it says that it
    /// did. Several signals that come at the same time count as one.
    pub fn at_each(self, mut reload: impl FnMut() -> &'static str + Send + 'static) {
        let Some(mut signals) = self.0 else { return };
        let reloading = async move {
            while signals.recv().await.is_some() {
                info!(signal = "SIGHUP", "{}", reload());
            }
        };
        tokio::spawn(reloading.in_current_span());
    }
}

/// Keeps signals that would end the program from ending it. Must be called within a tokio runtime.
pub(crate) fn survive_signals() {
    // Handlers stay when their listeners are dropped. A write beyond the limit of file size then
    // fails, as it does on a full disk; SIGHUP has a meaning for who calls [`reload_signal`].
    drop(listen(SignalKind::from_raw(libc::SIGXFSZ)));
    drop(listen(SignalKind::hangup()));
    for (kind, name) in
        [(SignalKind::user_defined1(), "SIGUSR1"), (SignalKind::user_defined2(), "SIGUSR2")]
    {
        if let Some(mut signals) = listen(kind) {
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    info!(signal = name, "signal ignored: settings are read at the start only");
                }
            });
        }
    }
}

fn next_signal(kind: SignalKind) -> impl Future<Output = ()> + Send {
    let signals = listen(kind);
    async {
        match signals {
            Some(mut signals) => drop(signals.recv().await),
            None => std::future::pending().await,
        }
    }
}

fn listen(kind: SignalKind) -> Option<Signal> {
    signal(kind)
        .inspect_err(
            |error| error!(%error, "cannot listen for a signal; it will kill this program"),
        )
        .ok()
}
