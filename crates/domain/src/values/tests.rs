use crate::{Kw, Kwh, Placa, is_invisible};

#[test]
fn numbers_refuse_what_is_out_of_range() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, 1e308] {
        assert!(Kwh::new(bad).is_err(), "{bad}");
        assert!(Kw::new(bad).is_err(), "{bad}");
    }
    let zero = Kwh::new(-0.0).expect("zero").get();
    assert!(zero.is_sign_positive());
    assert_eq!(
        Kw::new(0.0).expect_err("over 0").to_string(),
        "deve ser maior que 0 e no máximo 5000"
    );
    assert_eq!(Kwh::new(-1.0).expect_err("below 0").to_string(), "deve estar entre 0 e 10000");
}

#[test]
fn placas_are_in_normal_form() {
    assert!(Placa::new("ABC1D23").is_ok());
    for bad in ["abc1234", "ABC-1234", "AB12", "ABC123456", "ÁBC123"] {
        assert!(Placa::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn placas_are_read_as_people_write_them() {
    for (raw, placa) in [
        ("ABC1234", Some("ABC1234")),
        (" abc-1d23 ", Some("ABC1D23")),
        ("abc 12", Some("ABC12")),
        ("ABC\u{2011}1D23", Some("ABC1D23")),
        ("\u{feff}abc \u{2013} 1d23\u{200b}", Some("ABC1D23")),
        ("AB12", None),
        ("ABC123456", None),
        ("ÁBC1234", None),
        ("ABC_123", None),
        ("ABC.1234", None),
        ("ABC\u{b7}1234", None),
        // Letters and digits that look alike are others.
        ("\u{ff21}\u{ff22}\u{ff23}1234", None),
        ("\u{410}BC1234", None),
        ("ABC\u{661}234", None),
        ("", None),
        ("-\u{2013}\u{a0}\u{200b}-----", None),
    ] {
        assert_eq!(Placa::parse(raw).ok().as_ref().map(Placa::as_str), placa, "{raw:?}");
    }
    for hyphen in ["-", "\u{2011}"] {
        let fits = format!("ABC{}1234", hyphen.repeat(Placa::MAX_WRITTEN - 7));
        assert!(Placa::parse(&fits).is_ok(), "{hyphen}");
        assert!(Placa::parse(&format!("{fits}{hyphen}")).is_err(), "{hyphen}");
    }
    assert!(Placa::parse(&"-".repeat(1 << 20)).is_err());
}

#[test]
fn the_pattern_matches_what_is_read() {
    let pattern = regex::Regex::new(Placa::PATTERN).expect("a regular expression");
    for character in '\0'..='\u{1ffff}' {
        let text = format!("{character}ABC{character}1234");
        let is_read = Placa::parse(&text).is_ok();
        assert_eq!(is_read, pattern.is_match(&text), "{text:?}");
        assert!(is_read || !character.is_whitespace(), "{text:?}");
    }
    // Those of the property Dash up to U+FFFF, and the soft hyphen.
    let hyphens = "-\u{ad}\u{58a}\u{5be}\u{1400}\u{1806}\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2015}\
                   \u{2053}\u{207b}\u{208b}\u{2212}\u{2e17}\u{2e1a}\u{2e3a}\u{2e3b}\u{2e40}\u{2e5d}\u{301c}\
                   \u{3030}\u{30a0}\u{fe31}\u{fe32}\u{fe58}\u{fe63}\u{ff0d}";
    let blanks =
        "\t\n\r \u{a0}\u{2009}\u{200b}\u{200c}\u{200d}\u{200e}\u{202f}\u{2060}\u{3000}\u{feff}";
    for dropped in hyphens.chars().chain(blanks.chars()) {
        assert!(Placa::parse(&format!("ABC{dropped}1234")).is_ok(), "{dropped:?}");
    }
}

#[test]
fn what_nobody_sees_is_dropped_from_a_placa() {
    let invisible = ('\0'..=char::MAX).filter(|character| is_invisible(*character));
    for character in invisible {
        assert!(Placa::parse(&format!("ABC{character}1234")).is_ok(), "{character:?}");
    }
}

/// Decision 0047.
#[test]
fn the_two_forms_of_one_plate_are_two_placas() {
    for (old, mercosul) in [("ABC1234", "ABC1C34"), ("ABC1034", "ABC1A34"), ("ABC1934", "ABC1J34")]
    {
        assert_ne!(Placa::parse(old), Placa::parse(mercosul));
    }
}
