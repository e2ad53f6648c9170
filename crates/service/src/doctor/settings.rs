//! Reading the settings as a start does, but all of them: a start ends at the first wrong one.

use std::collections::HashSet;

use super::report::Check;
use crate::logs::check_log_filter;
use crate::program::environment;
use crate::settings::{ConfigError, Lookup, Setting};

/// So many letters may differ between a setting and a name that was probably meant to be it.
const TYPING_ERRORS: usize = 2;

/// The settings of the process environment, unless one of them is wrong; every wrong one has a
/// check.
pub fn read_settings<C>(
    settings: &[Setting],
    read: impl Fn(Lookup<'_>) -> Result<C, ConfigError>,
) -> (Option<C>, Vec<Check>) {
    let not_utf8 = settings.iter().filter_map(|setting| {
        setting.check_utf8(std::env::var_os(setting.name)).err().map(|error| (setting.name, error))
    });
    let mut wrong: Vec<_> = not_utf8.collect();
    let config = read_all(&read, &environment, &mut wrong);
    let mut checks: Vec<_> = wrong.iter().map(|(name, error)| failure(name, error)).collect();
    if checks.is_empty() {
        let set = settings.iter().filter(|setting| setting.value(&environment).is_some()).count();
        checks.push(Check::ok("variables", format!("{set} are set, and all can be read")));
    }
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    checks.extend(names.filter_map(|name| misspelt(&name, settings)));
    (config.filter(|_| wrong.is_empty()), checks)
}

/// Leaves out one wrong variable after the other, and reads again.
fn read_all<C>(
    read: &impl Fn(Lookup<'_>) -> Result<C, ConfigError>,
    lookup: Lookup<'_>,
    wrong: &mut Vec<(&'static str, ConfigError)>,
) -> Option<C> {
    let mut left_out: HashSet<_> = wrong.iter().map(|(name, _)| *name).collect();
    loop {
        let lookup = |name: &str| lookup(name).filter(|_| !left_out.contains(name));
        let error =
            match read(&lookup).and_then(|config| check_log_filter(&lookup).map(|()| config)) {
                Ok(config) => return Some(config),
                Err(error) => error,
            };
        let name = error.variable();
        // Without a required setting nothing else can be read. A setting that is wrong although it was
        // left out would be found again and again.
        let is_last = matches!(error, ConfigError::Missing { .. }) || !left_out.insert(name);
        if !wrong.iter().any(|(known, _)| *known == name) {
            wrong.push((name, error));
        }
        if is_last {
            return None;
        }
    }
}

fn failure(name: &str, error: &ConfigError) -> Check {
    let remedy = format!(
        "correct {name} where the program gets its environment, then start it again (with Docker \
         under environment: of its block in docker-compose.yml, not in .env, then docker-compose \
         up -d; with systemd in its file in /etc/postos)"
    );
    Check::failure("variables", error.to_string(), remedy)
}

/// A variable that no program reads, and whose name is nearly that of a setting.
fn misspelt(name: &str, settings: &[Setting]) -> Option<Check> {
    if settings.iter().any(|setting| setting.name == name) {
        return None;
    }
    let distance = |setting: &Setting| strsim::damerau_levenshtein(name, setting.name);
    let near = settings.iter().min_by_key(|setting| distance(setting))?;
    (distance(near) <= TYPING_ERRORS).then(|| {
        let remedy = format!("if {} is meant, call it so", near.name);
        Check::warning("variables", format!("{name} is set, which is no setting"), remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{MQTT_BROKER, MQTT_PORT, RUST_LOG};
    use std::num::NonZeroU16;

    const ID: Setting = Setting { name: "SERVER_ID", default: None, should_be: "an id", about: "" };

    fn read(lookup: Lookup<'_>) -> Result<(u16, u16), ConfigError> {
        Ok((ID.read(lookup)?, MQTT_PORT.read::<NonZeroU16>(lookup)?.get()))
    }

    fn wrong(set: &[(&str, &str)]) -> (bool, Vec<&'static str>) {
        let lookup = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let mut wrong = Vec::new();
        let config = read_all(&read, &lookup, &mut wrong);
        (config.is_some(), wrong.into_iter().map(|(name, _)| name).collect())
    }

    #[test]
    fn every_wrong_variable_is_found() {
        assert_eq!(wrong(&[("SERVER_ID", "1")]), (true, vec![]));
        let port = ("MQTT_PORT", "x");
        assert_eq!(wrong(&[("SERVER_ID", "1"), port]), (true, vec!["MQTT_PORT"]));
        assert_eq!(wrong(&[("SERVER_ID", "1"), ("RUST_LOG", "inof")]), (true, vec!["RUST_LOG"]));
        // Without the required one, nothing after it is read.
        assert_eq!(wrong(&[port]), (false, vec!["SERVER_ID"]));
        assert_eq!(wrong(&[("SERVER_ID", "x"), port]), (false, vec!["SERVER_ID"]));
    }

    #[test]
    fn a_wrong_variable_is_corrected_where_the_program_gets_it_from() {
        let error = read(&|_: &str| None).expect_err("SERVER_ID is required");
        let remedy = failure(error.variable(), &error).remedy.expect("a remedy");
        assert!(remedy.starts_with("correct SERVER_ID where"), "{remedy}");
        assert!(remedy.contains("docker-compose.yml, not in .env"), "{remedy}");
    }

    #[test]
    fn a_misspelt_variable_is_named_with_the_one_that_is_meant() {
        let settings = [MQTT_BROKER, MQTT_PORT, RUST_LOG];
        let check = misspelt("MQTT_BORKER", &settings).expect("a warning");
        assert_eq!(check.found, "MQTT_BORKER is set, which is no setting");
        assert_eq!(check.remedy.as_deref(), Some("if MQTT_BROKER is meant, call it so"));
        for other in ["MQTT_BROKER", "HOME", "MQTT_CLIENT_ID", "RUST_BACKTRACE"] {
            assert_eq!(misspelt(other, &settings), None);
        }
    }
}
