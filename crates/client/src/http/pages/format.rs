//! Numbers and times as people write them. The modules of the pages write them alike, by `Intl`.

use protocol::Timestamp;
use service::Language;

/// What pages without a script show and take: time of Brasília, which has no summer time.
const BRASILIA: &str = "-03:00";
const BRASILIA_MILLIS: i64 = -3 * 60 * 60 * 1000;

/// A number with at least `min` and at most `max` decimals.
pub(super) fn number(value: f64, min: usize, max: usize, language: Language) -> String {
    let written = format!("{value:.max$}");
    let (whole, decimals) = written.split_once('.').unwrap_or((&written, ""));
    let kept = decimals.trim_end_matches('0').len().max(min);
    let (group, point) = match language {
        Language::Portuguese => ('.', ','),
        Language::English => (',', '.'),
    };
    let digits = whole.trim_start_matches('-');
    let mut text = whole[..whole.len() - digits.len()].to_owned();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(group);
        }
        text.push(digit);
    }
    if kept > 0 {
        text.push(point);
        text.push_str(&decimals[..kept.min(decimals.len())]);
    }
    text
}

pub(super) fn power(kw: f64, language: Language) -> String {
    format!("{} kW", number(kw, 0, 1, language))
}

pub(super) fn price_per_kwh(price: f64, language: Language) -> String {
    let amount = number(price, 2, 4, language);
    match language {
        // Between the two is a space that breaks no line.
        Language::Portuguese => format!("R$\u{a0}{amount}/kWh"),
        Language::English => format!("R${amount}/kWh"),
    }
}

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
    fn numbers_are_written_as_people_write_them() {
        for (value, min, max, portuguese, english) in [
            (22.0, 0, 1, "22", "22"),
            (44.5, 0, 3, "44,5", "44.5"),
            (0.19, 0, 3, "0,19", "0.19"),
            (2.5, 2, 4, "2,50", "2.50"),
            (2.1234, 2, 4, "2,1234", "2.1234"),
            (1234.5, 0, 1, "1.234,5", "1,234.5"),
            (1_234_567.0, 0, 0, "1.234.567", "1,234,567"),
            (0.0, 2, 4, "0,00", "0.00"),
            (-1234.0, 0, 1, "-1.234", "-1,234"),
        ] {
            assert_eq!(number(value, min, max, Portuguese), portuguese);
            assert_eq!(number(value, min, max, English), english);
        }
        assert_eq!(price_per_kwh(2.1, Portuguese), "R$\u{a0}2,10/kWh");
        assert_eq!(price_per_kwh(2.1, English), "R$2.10/kWh");
        assert_eq!(power(7.4, Portuguese), "7,4 kW");
    }

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
