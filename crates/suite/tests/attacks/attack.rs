//! How an attack is tried, and what counts as stopped.

use std::fmt::Display;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    InPlace,
    Removed,
}

impl Guard {
    pub(crate) fn is_removed(self) -> bool {
        self == Self::Removed
    }

    /// How long an effect is waited for: long where it must come, so that a busy machine does not
    /// hide it; a while where it must not.
    pub(crate) fn patience(self) -> Duration {
        Duration::from_millis(if self.is_removed() { 10_000 } else { 300 })
    }

    /// Whether this comes true in time.
    pub(crate) async fn sees(self, mut holds: impl AsyncFnMut() -> bool) -> bool {
        let wait = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(self.patience(), wait).await.is_ok()
    }
}

/// The ways in which an attack was tried, and whether each got through.
#[derive(Debug, Default)]
pub(crate) struct Tries(Vec<(String, bool)>);

impl Tries {
    pub(crate) fn record(&mut self, way: impl Display, got_through: bool) {
        self.0.push((way.to_string(), got_through));
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    fn ways(&self, got_through: bool) -> Vec<&str> {
        let found = self.0.iter().filter(|(_, through)| *through == got_through);
        found.map(|(way, _)| way.as_str()).collect()
    }
}

/// Tries an attack as shipped and with its guard removed.
#[expect(clippy::print_stdout, reason = "`--nocapture` shows how many ways there were")]
pub(crate) async fn tried_twice(
    name: &str,
    tries: &str,
    guard: &str,
    attack: impl AsyncFn(Guard) -> Tries,
) {
    for (state, stopped) in [(Guard::InPlace, true), (Guard::Removed, false)] {
        let tried = attack(state).await;
        let wrong = tried.ways(stopped);
        let what = if stopped { "got through" } else { "were stopped" };
        assert!(
            wrong.is_empty(),
            "{name} ({tries}), {state:?} ({guard}): {} of {} ways {what}:\n{}",
            wrong.len(),
            tried.0.len(),
            wrong.join("\n")
        );
        assert!(!tried.0.is_empty(), "{name} tries nothing, {state:?}");
        println!("{name}, {state:?}: {} ways, none {what}", tried.0.len());
    }
}
