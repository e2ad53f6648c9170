//! Dates, ids and placas: the normal form of a normal form is itself.
#![no_main]

use domain::Placa;
use libfuzzer_sys::fuzz_target;
use protocol::{RequestId, Timestamp};

fuzz_target!(|text: &str| {
    if let Ok(moment) = text.parse::<Timestamp>() {
        let written = moment.to_string();
        assert_eq!(written.parse::<Timestamp>().expect("what we write we read"), moment);
        assert_eq!(Timestamp::from_millis(moment.as_millis()), Some(moment));
        let json = serde_json::to_string(&moment).expect("it can be written");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("it is read"), moment);
    }
    if let Ok(id) = text.parse::<RequestId>() {
        assert_eq!(id.as_str(), text);
        assert!(text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()));
    }
    if let Ok(placa) = Placa::parse(text) {
        let placa = placa.as_str();
        assert!((5..=8).contains(&placa.len()));
        assert!(placa.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
        assert_eq!(Placa::parse(placa).as_ref().map(Placa::as_str), Ok(placa));
    }
});
