//! Reading settings, one variable at a time, through a lookup function.
//!
//! Nothing but `main` touches the process environment, so tests need not either.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// Finds the value of a variable by its name.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable that is missing or malformed: its name, its value, what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It has to be there.
    #[error("{name} is not set; it should be {should_be}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it should be.
        should_be: &'static str,
    },
    /// It cannot be read.
    #[error("{name} is {value:?}; it should be {should_be}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        should_be: &'static str,
    },
}

/// A variable that is not set and one that is empty are the same: compose files write the
/// former as the latter.
fn value(lookup: Lookup<'_>, name: &str) -> Option<String> {
    lookup(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A variable that has to be there.
///
/// # Errors
/// It is missing or malformed.
pub fn required<T: FromStr>(
    lookup: Lookup<'_>,
    name: &'static str,
    should_be: &'static str,
) -> Result<T, ConfigError> {
    let value = value(lookup, name).ok_or(ConfigError::Missing { name, should_be })?;
    value.parse().map_err(|_| ConfigError::Malformed { name, value, should_be })
}

/// A variable that may be left out; `None` if it is.
///
/// # Errors
/// It is malformed.
pub(crate) fn optional<T: FromStr>(
    lookup: Lookup<'_>,
    name: &'static str,
    should_be: &'static str,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = value(lookup, name) else { return Ok(None) };
    let read = value.parse();
    read.map(Some).map_err(|_| ConfigError::Malformed { name, value, should_be })
}

/// A variable that may be left out.
///
/// # Errors
/// It is malformed.
pub fn or_default<T: FromStr>(
    lookup: Lookup<'_>,
    name: &'static str,
    default: T,
    should_be: &'static str,
) -> Result<T, ConfigError> {
    Ok(optional(lookup, name, should_be)?.unwrap_or(default))
}

/// A host that may be left out.
///
/// # Errors
/// It is neither a name nor an address, for example a URL.
pub fn host(lookup: Lookup<'_>, name: &'static str, default: &str) -> Result<String, ConfigError> {
    let should_be = "a host name or address, without scheme and port";
    let value: String = or_default(lookup, name, default.to_owned(), should_be)?;
    let in_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if value.bytes().all(in_a_name) || value.parse::<IpAddr>().is_ok() {
        return Ok(value);
    }
    Err(ConfigError::Malformed { name, value, should_be })
}

/// A TCP port that may be left out.
///
/// # Errors
/// It is no number from 1 to 65535.
pub fn port(lookup: Lookup<'_>, name: &'static str, default: u16) -> Result<u16, ConfigError> {
    let should_be = "a port number from 1 to 65535";
    match or_default(lookup, name, default, should_be)? {
        0 => Err(ConfigError::Malformed { name, value: "0".to_owned(), should_be }),
        port => Ok(port),
    }
}

/// A length of time in seconds, decimals allowed, that may be left out.
///
/// # Errors
/// It is no number of seconds from 2 to 3600.
pub fn duration_secs(
    lookup: Lookup<'_>,
    name: &'static str,
    default: Duration,
) -> Result<Duration, ConfigError> {
    let should_be = "a number of seconds from 2 to 3600, for example 10";
    let seconds: f64 = or_default(lookup, name, default.as_secs_f64(), should_be)?;
    // MQTT counts expiry in whole seconds: in less than two, nothing can be said with it.
    if (2.0..=3600.0).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(ConfigError::Malformed { name, value: seconds.to_string(), should_be })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_variable_value_and_what_it_should_be() {
        let lookup = |name: &str| (name == "MQTT_PORT").then(|| "abc".to_owned());
        let error = or_default(&lookup, "MQTT_PORT", 1883_u16, "a port number").expect_err("abc");
        assert_eq!(error.to_string(), "MQTT_PORT is \"abc\"; it should be a port number");
        let error = required::<u16>(&lookup, "SERVER_ID", "an id").expect_err("not set");
        assert_eq!(error.to_string(), "SERVER_ID is not set; it should be an id");
    }

    #[test]
    fn empty_is_not_set_and_blanks_do_not_count() {
        let lookup = |name: &str| (name == "A").then(|| " 5 ".to_owned()).or(Some(String::new()));
        assert_eq!(or_default(&lookup, "A", 1, "a number"), Ok(5));
        assert_eq!(or_default(&lookup, "B", 1, "a number"), Ok(1));
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
        ] {
            let lookup = |_: &str| Some(text.to_owned());
            assert_eq!(host(&lookup, "HOST", "localhost").is_ok(), good, "{text}");
        }
        for (text, read) in [("1", Some(1)), ("65535", Some(65535)), ("0", None), ("65536", None)] {
            let lookup = |_: &str| Some(text.to_owned());
            assert_eq!(port(&lookup, "PORT", 1883).ok(), read, "{text}");
        }
        assert_eq!(port(&|_| None, "PORT", 1883), Ok(1883));
    }

    #[test]
    fn durations_are_bounded() {
        for (text, good) in
            [("2.5", true), ("0", false), ("-1", false), ("NaN", false), ("3601", false)]
        {
            let lookup = |_: &str| Some(text.to_owned());
            let read = duration_secs(&lookup, "LIMIT", Duration::from_secs(1));
            assert_eq!(read.is_ok(), good, "{text}");
        }
    }
}
