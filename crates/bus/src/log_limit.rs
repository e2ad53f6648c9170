//! Bounds how much is logged about what others send.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};

/// Lines that may be logged at once.
const BURST: u32 = 20;
/// In which one more line may be logged.
const REFILL_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is logged how many lines were left out.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// Longest part of a text that is logged.
const MAX_CHARS: usize = 128;

/// A token bucket of log lines of one kind.
#[derive(Debug)]
pub(crate) struct LogLimit(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    lines: u32,
    refilled_at: Instant,
    left_out: u64,
}

impl LogLimit {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Bucket { lines: BURST, refilled_at: Instant::now(), left_out: 0 }))
    }

    /// Whether one more line may be logged; otherwise it is counted as left out.
    pub(crate) fn admits(&self) -> bool {
        let mut bucket = self.0.lock();
        let intervals = bucket.refilled_at.elapsed().as_secs() / REFILL_INTERVAL.as_secs();
        if intervals > 0 {
            let refill = u32::try_from(intervals).unwrap_or(BURST);
            bucket.lines = bucket.lines.saturating_add(refill).min(BURST);
            bucket.refilled_at = Instant::now();
        }
        let admits = bucket.lines > 0;
        if admits {
            bucket.lines -= 1;
        } else {
            bucket.left_out += 1;
        }
        admits
    }

    /// How many lines were left out since the last call.
    pub(crate) fn take_left_out(&self) -> u64 {
        std::mem::take(&mut self.0.lock().left_out)
    }
}

/// Calls `report` regularly, without end.
pub(crate) async fn report_regularly(report: impl Fn()) {
    loop {
        sleep(REPORT_INTERVAL).await;
        report();
    }
}

/// The beginning of a text that somebody else chose.
pub(crate) fn shortened(text: &str) -> &str {
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// A reason without the texts that it quotes: one of them may be a placa.
pub(crate) fn without_values(reason: &str) -> String {
    let (mut text, mut is_quoted, mut is_escaped) = (String::new(), false, false);
    for c in reason.chars() {
        let ends = c == '"' && !is_escaped;
        is_escaped = is_quoted && c == '\\' && !is_escaped;
        match (is_quoted, ends) {
            (false, true) => text.push_str("\"…"),
            (false, false) | (true, true) => text.push(c),
            (true, false) => {}
        }
        is_quoted ^= ends;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn admits_a_burst_and_then_a_line_a_second() {
        let limit = LogLimit::new();
        let admitted = |attempts: u32| (0..attempts).filter(|_| limit.admits()).count();
        assert_eq!(admitted(1000), BURST as usize);
        assert_eq!((limit.take_left_out(), limit.take_left_out()), (1000 - u64::from(BURST), 0));
        sleep(REFILL_INTERVAL * 3).await;
        assert_eq!(admitted(1000), 3);
        sleep(REFILL_INTERVAL * 1000).await;
        assert_eq!(admitted(1000), BURST as usize);
    }

    #[test]
    fn values_are_left_out_of_a_reason() {
        for (reason, logged) in [
            ("placa deve ter de 5 a 8", "placa deve ter de 5 a 8"),
            (
                r#"a deve ser true, mas veio "ABC1234"; b também"#,
                r#"a deve ser true, mas veio "…"; b também"#,
            ),
            (r#"veio "a\"b" e "c\\" fim"#, r#"veio "…" e "…" fim"#),
            (r#"invalid type: string "ABC"#, r#"invalid type: string "…"#),
        ] {
            assert_eq!(without_values(reason), logged);
        }
    }

    #[test]
    fn shortens_between_characters() {
        assert_eq!(shortened("curto"), "curto");
        assert_eq!(shortened(&"é".repeat(MAX_CHARS + 1)), "é".repeat(MAX_CHARS));
    }
}
