//! Times as people write them, where no module runs; those write them by `Intl`.

use protocol::Timestamp;
use service::Language;

/// What pages without a script show and take: time of Brasília, which has no summer time.
const BRASILIA: &str = "-03:00";
const BRASILIA_MILLIS: i64 = -3 * 60 * 60 * 1000;

/// A moment in Brasília, to the minute.
pub(super) fn moment(at: Timestamp, language: Language) -> String {
    let local = local_input(at);
    let (date, time) = local.split_once('T').unwrap_or_default();
    match language {
        Language::Portuguese => {
            let parts: Vec<_> = date.rsplit('-').collect();
            format!("{} {time}", parts.join("/"))
        }
        Language::English => format!("{date} {time}"),
    }
}

/// A moment as an input of the kind `datetime-local` has it.
pub(super) fn local_input(at: Timestamp) -> String {
    let local = Timestamp::clamped(at.as_millis() + BRASILIA_MILLIS).to_string();
    local.chars().take("2026-11-28T14:30".len()).collect()
}

/// What such an input sends, as the API takes it. What is written in another way stays as it is, and
/// is refused as the API refuses it.
pub(super) fn of_local_input(text: &str) -> String {
    match text.len() {
        16 => format!("{text}:00{BRASILIA}"),
        19 => format!("{text}{BRASILIA}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use Language::{English, Portuguese};

    use super::*;

    #[test]
    fn times_are_of_brasilia() {
        let at: Timestamp = "2026-11-28T02:30:45.000Z".parse().expect("a time");
        assert_eq!(moment(at, Portuguese), "27/11/2026 23:30");
        assert_eq!(moment(at, English), "2026-11-27 23:30");
        assert_eq!(local_input(at), "2026-11-27T23:30");
        let read: Timestamp = of_local_input("2026-11-27T23:30").parse().expect("a time");
        assert_eq!(read.to_string(), "2026-11-28T02:30:00.000Z");
        assert_eq!(of_local_input("2026-11-27T23:30:45"), "2026-11-27T23:30:45-03:00");
        assert_eq!(of_local_input("amanhã"), "amanhã");
    }
}
