//! Points in time, as other programs write them.

use domain::Moment;
use protocol::{FieldValue as _, Reserva, Scalar, Timestamp};

use crate::support::{body_with, mensagem, time};

#[test]
fn any_offset_is_read_and_utc_is_written() {
    for (text, written) in [
        ("2026-11-23T09:00:00-03:00", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23T12:00:00+00:00", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23T12:00:00-00:00", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23T17:45:00+05:45", "2026-11-23T12:00:00.000Z"),
        ("2026-11-24T11:59:00+23:59", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23T12:00:00.123456789Z", "2026-11-23T12:00:00.123Z"),
        // A leap second has no place of its own on the clock; it is the second before.
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000Z"),
        ("2016-12-31T20:59:60-03:00", "2016-12-31T23:59:59.000Z"),
        ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.000Z"),
        ("2016-12-31t23:59:60z", "2016-12-31T23:59:59.000Z"),
        ("2015-06-30T23:59:60Z", "2015-06-30T23:59:59.000Z"),
        ("2017-01-01T05:44:60.999+05:45", "2016-12-31T23:59:59.000Z"),
        ("1972-06-30T23:59:60-00:00", "1972-06-30T23:59:59.000Z"),
        // Whether there will be one is not known yet.
        ("2030-06-30T20:59:60-03:00", "2030-06-30T23:59:59.000Z"),
        ("2026-11-23 12:00:00z", "2026-11-23T12:00:00.000Z"),
        ("2026-11-23T12:00:00.1234567890123Z", "2026-11-23T12:00:00.123Z"),
        // The first and the last moment there is.
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("9998-12-31T23:59:59.999Z", "9998-12-31T23:59:59.999Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
    ] {
        assert_eq!(time(text).to_string(), written, "{text}");
    }
}

#[test]
fn what_is_not_rfc_3339_with_an_offset_is_refused() {
    for text in [
        "2026-11-23",
        "2026-11-23T12:00:00",
        "2026-11-23T12:00Z",
        "2026-11-23T12:00:00 Z",
        "2026-11-23T12:00:00+24:00",
        "2026-11-23T12:00:00+25:00",
        "2026-11-23T12:00:00+03:60",
        "2026-11-23T12:00:00+3:00",
        "2026-11-23T12:00:00+03:00:00",
        "2026-11-23T12:00:00\u{2212}03:00",
        "2026-11-23T12:00:00.Z",
        "2026-11-23T12:00:61Z",
        // No leap second can be here: it would be the last of June or December, in UTC.
        "2026-11-30T23:59:60Z",
        "2026-03-31T23:59:60Z",
        "2026-06-29T23:59:60Z",
        "2026-07-01T00:00:60Z",
        "2026-12-31T22:59:60Z",
        "2026-12-31T23:58:60Z",
        "2026-12-31T23:59:60-03:00",
        "2027-01-01T00:59:60+02:00",
        "2026-12-31T23:59:60",
        "2026-12-31T23:59:61Z",
        "1970-12-31T23:59:60Z",
        "1971-12-31T23:59:60Z",
        "2026-11-23T12:00:60Z",
        "2026-01-30T23:59:60Z",
        "2026-01-31T23:59:60-03:00",
        "1969-12-31T23:59:59.9999Z",
        "2026-11-23T24:00:00Z",
        "2026-13-01T12:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-W05-6T12:00:00Z",
        "26-11-23T12:00:00.000Z",
        "1970-01-01T00:00:00+00:01",
        "9999-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "+10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-00-10T12:00:00Z",
        "2026-06-31T12:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-11-23T23:60:00Z",
        "2026-11-23T12:00:00,5Z",
        "2026-11-23_12:00:00Z",
        "2026-11-23T12:00:00 03:00",
        " 2026-11-23T12:00:00Z",
        "segunda-feira que vem, ao meio-dia",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text:?} was taken as a time");
        let reason = mensagem(body_with("inicio", &format!("{text:?}")));
        assert!(reason.contains("RFC 3339"), "{text:?}: {reason}");
    }
}

#[test]
fn a_number_is_no_time() {
    for json in ["1767225600", "1.5", "true", "{}"] {
        let reason = mensagem(body_with("fim", json));
        assert!(reason.starts_with("deve ser uma data RFC 3339 com fuso"), "{json}: {reason}");
    }
    let reserva = r#"{"id":1,"posto_id":5,"placa":"ABC1234","inicio":0,"fim":1,"status":"ativa"}"#;
    serde_json::from_str::<Reserva>(reserva).expect_err("numbers are no times");
}

#[test]
fn in_a_query_the_sign_of_an_offset_may_be_lost() {
    let read = |text| Moment::from_scalar(Scalar::Untyped(text)).map_err(|error| error.0);
    let utc = Timestamp::from_millis(1_795_435_200_000).map(Moment::from);
    for text in
        ["2026-11-23T12:00:00 00:00", "2026-11-23T12:00:00+00:00", "2026-11-23T13:30:00 01:30"]
    {
        assert_eq!(read(text).ok(), utc, "{text}");
    }
    for text in
        ["2026-11-23T12:00:00 0:00", "2026-11-23 12:00", "2026-11-23T12:00:0é 00:00", " 00:00"]
    {
        let reason = read(text).expect_err(text);
        assert!(reason.contains("RFC 3339"), "{text}: {reason}");
    }
}
