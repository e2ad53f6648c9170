//! Settings. Each one is declared once: parsing, error texts and `--help` come from its
//! declaration, and the tables in the READMEs are checked against it.
//!
//! They are read through a lookup function, so that tests need not touch the process environment.

use std::ffi::OsString;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// Finds the value of a variable by its name.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable that is missing or malformed. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("{name} is not set; it should be {should_be}")]
    Missing { name: &'static str, should_be: &'static str },
    #[error("{name} is {value:?}; it should be {should_be}")]
    Malformed { name: &'static str, value: String, should_be: &'static str },
    #[error("{name} is {value:?}, which is not UTF-8; it should be {should_be}")]
    NotUtf8 { name: &'static str, value: OsString, should_be: &'static str },
    /// Of a secret, whose value is never shown.
    #[error("{name} is no value that can be used; it should be {should_be}")]
    BadSecret { name: &'static str, should_be: &'static str },
    #[error("{name} is not UTF-8; it should be {should_be}")]
    SecretNotUtf8 { name: &'static str, should_be: &'static str },
    #[error("{name} and {other} are both set; set only one of them")]
    Both { name: &'static str, other: &'static str },
    #[error("{name} is set and {missing} is not; {missing} should be {should_be}")]
    Without { name: &'static str, missing: &'static str, should_be: &'static str },
}

impl ConfigError {
    /// The variable that it is about.
    pub(crate) fn variable(&self) -> &'static str {
        match self {
            Self::Missing { name, .. }
            | Self::Malformed { name, .. }
            | Self::NotUtf8 { name, .. }
            | Self::BadSecret { name, .. }
            | Self::SecretNotUtf8 { name, .. }
            | Self::Both { name, .. }
            | Self::Without { name, .. } => name,
        }
    }
}

/// An environment variable that a program reads.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub name: &'static str,
    /// `None` if it is required. A part in braces stands for the value of another setting.
    pub default: Option<&'static str>,
    /// Completes the sentence "it should be …" of an error.
    pub should_be: &'static str,
    /// What it is for, as `--help` shows it.
    pub about: &'static str,
}

pub const MQTT_BROKER: Setting = Setting {
    name: "MQTT_BROKER",
    default: Some("localhost"),
    should_be: "a host name or address, without scheme and port",
    about: "host of the broker",
};

pub const MQTT_PORT: Setting = Setting {
    name: "MQTT_PORT",
    default: Some("1883"),
    should_be: "a port number from 1 to 65535",
    about: "port of the broker",
};

pub const RUST_LOG: Setting = Setting {
    name: "RUST_LOG",
    default: Some("info"),
    should_be: "a level or directives, for example info,bus=debug",
    about: "log filter",
};

impl Setting {
    /// Whether its value is never shown: no error has it, and no log.
    fn is_secret(&self) -> bool {
        self.name.ends_with("_PASSWORD") || self.name.ends_with("_HEADERS")
    }

    /// The value that is set, or the default.
    ///
    /// # Errors
    /// It is required and not set, or malformed.
    pub fn read<T: FromStr>(&self, lookup: Lookup<'_>) -> Result<T, ConfigError> {
        let Self { name, should_be, .. } = *self;
        let value = self.value(lookup).or_else(|| self.default.map(str::to_owned));
        self.parse(value.ok_or(ConfigError::Missing { name, should_be })?)
    }

    /// The value that is set, without blanks around it. An empty value counts as not set: compose
    /// files pass a variable that is not set as an empty one.
    pub fn value(&self, lookup: Lookup<'_>) -> Option<String> {
        lookup(self.name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// As [`read`](Self::read), for a setting that may be left out.
    ///
    /// # Errors
    /// It is malformed.
    pub fn read_if_set<T: FromStr>(&self, lookup: Lookup<'_>) -> Result<Option<T>, ConfigError> {
        self.value(lookup).map(|value| self.parse(value)).transpose()
    }

    /// As [`read`](Self::read), for a setting where an empty value means something.
    ///
    /// # Errors
    /// It is malformed.
    pub fn read_or_empty<T: FromStr>(&self, lookup: Lookup<'_>) -> Result<T, ConfigError> {
        let value = lookup(self.name).map(|value| value.trim().to_owned());
        self.parse(value.unwrap_or_else(|| self.default.unwrap_or_default().to_owned()))
    }

    /// Parses a value of this setting.
    ///
    /// # Errors
    /// It is malformed.
    pub fn parse<T: FromStr>(&self, value: String) -> Result<T, ConfigError> {
        let Self { name, should_be, .. } = *self;
        value.parse().map_err(|_| match self.is_secret() {
            true => ConfigError::BadSecret { name, should_be },
            false => ConfigError::Malformed { name, value, should_be },
        })
    }

    /// Refuses a value of the environment that is not UTF-8.
    pub(crate) fn check_utf8(&self, value: Option<OsString>) -> Result<(), ConfigError> {
        let Self { name, should_be, .. } = *self;
        match value {
            Some(value) if value.to_str().is_none() && self.is_secret() => {
                Err(ConfigError::SecretNotUtf8 { name, should_be })
            }
            Some(value) if value.to_str().is_none() => {
                Err(ConfigError::NotUtf8 { name, value, should_be })
            }
            _ => Ok(()),
        }
    }
}

/// Why a value is refused; the setting's `should_be` says it to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidValue;

/// A number of these.
pub(crate) fn number_in<T: FromStr + PartialOrd>(
    range: RangeInclusive<T>,
    text: &str,
) -> Result<T, InvalidValue> {
    text.parse().ok().filter(|number| range.contains(number)).ok_or(InvalidValue)
}

/// The items of a list that commas, blanks or line breaks separate.
pub(crate) fn list_items(text: &str) -> impl Iterator<Item = &str> {
    let is_separator = |character: char| character == ',' || character.is_whitespace();
    text.split(is_separator).filter(|item| !item.is_empty())
}

/// Whether it may be the name of a host: labels with dots between them, and possibly one at the end.
pub(crate) fn is_host_name(text: &str) -> bool {
    let in_a_label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(in_a_label);
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}

/// A host name or address, without scheme and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(pub String);

impl FromStr for Host {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let valid = is_host_name(text) || text.parse::<IpAddr>().is_ok();
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidValue) }
    }
}

/// A time limit in seconds, decimals allowed. At least 2: MQTT counts expiry in whole seconds, so a
/// shorter limit cannot be expressed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(pub Duration);

impl TimeLimit {
    pub const SHOULD_BE: &str = "a number of seconds from 2 to 3600, for example 10";
}

impl FromStr for TimeLimit {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        number_in(2.0..=3600.0, text).map(|seconds| Self(Duration::from_secs_f64(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    const ID: Setting = Setting { name: "ID", default: None, should_be: "an id", about: "" };

    #[test]
    fn an_error_names_variable_value_and_what_it_should_be() {
        let lookup = |name: &str| (name == "MQTT_PORT").then(|| "abc".to_owned());
        let error = MQTT_PORT.read::<NonZeroU16>(&lookup).expect_err("abc");
        let text = "MQTT_PORT is \"abc\"; it should be a port number from 1 to 65535";
        assert_eq!(error.to_string(), text);
        let error = ID.read::<u16>(&lookup).expect_err("not set");
        assert_eq!(error.to_string(), "ID is not set; it should be an id");
    }

    #[test]
    fn a_value_that_is_not_utf8_is_refused_by_name() {
        let value = |bytes: &[u8]| Some(OsString::from_vec(bytes.to_vec()));
        for good in [None, value(b""), value("dados/poço.db".as_bytes())] {
            assert_eq!(ID.check_utf8(good), Ok(()));
        }
        let error = ID.check_utf8(value(b"a\xFFb")).expect_err("no UTF-8");
        assert_eq!(error.to_string(), r#"ID is "a\xFFb", which is not UTF-8; it should be an id"#);
    }

    #[test]
    fn the_value_of_a_secret_is_in_no_error() {
        let secret = Setting { name: "A_PASSWORD", ..ID };
        let bytes = OsString::from_vec(b"s3cret\xFF".to_vec());
        let not_utf8 = secret.check_utf8(Some(bytes)).expect_err("no UTF-8").to_string();
        let malformed = secret.parse::<u16>("s3cret".to_owned()).expect_err("no number");
        assert_eq!(not_utf8, "A_PASSWORD is not UTF-8; it should be an id");
        let expected = "A_PASSWORD is no value that can be used; it should be an id";
        assert_eq!(malformed.to_string(), expected);
    }

    #[test]
    fn empty_is_not_set_and_blanks_around_a_value_do_not_count() {
        let lookup = |name: &str| (name == "ID").then(|| " 5 ".to_owned()).or(Some(String::new()));
        assert_eq!(ID.read(&lookup), Ok(5));
        assert_eq!(MQTT_PORT.read(&lookup), Ok(1883));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_a_port_is_not_zero() {
        for (text, good) in [
            ("broker", true),
            ("broker-1.example.com", true),
            ("10.0.0.7", true),
            ("::1", true),
            ("broker:1883", false),
            ("mqtt://broker", false),
            ("two words", false),
            ("Broker_1.", true),
            ("", false),
            (".", false),
            ("broker..example.com", false),
            ("user@broker", false),
            ("[::1]", false),
        ] {
            assert_eq!(text.parse::<Host>().is_ok(), good, "{text}");
        }
        for (text, read) in [("1", Some(1)), ("65535", Some(65535)), ("0", None), ("65536", None)] {
            let port = MQTT_PORT.read::<NonZeroU16>(&|_| Some(text.to_owned()));
            assert_eq!(port.ok().map(NonZeroU16::get), read, "{text}");
        }
        assert_eq!(MQTT_PORT.read(&|_| None), Ok(1883));
    }

    #[test]
    fn lists_may_have_the_line_ends_of_any_system() {
        let items: Vec<&str> = list_items(" a,b\r\nc\td ,\u{a0}e,\n").collect();
        assert_eq!(items, ["a", "b", "c", "d", "e"]);
        assert_eq!(list_items(" \r\n,").count(), 0);
    }

    #[test]
    fn time_limits_are_bounded() {
        for (text, good) in
            [("2.5", true), ("0", false), ("-1", false), ("NaN", false), ("3601", false)]
        {
            assert_eq!(text.parse::<TimeLimit>().is_ok(), good, "{text}");
        }
    }
}
