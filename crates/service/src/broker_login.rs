//! The settings of the login at the broker, and which of them go together.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::secret::Secret;
use crate::settings::{ConfigError, InvalidValue, Lookup, Setting};

/// The longest text in an MQTT packet, in bytes.
const MAX_TEXT: usize = 65_535;
/// The value of `MQTT_CA_FILE` that names no file.
const OF_SYSTEM: &str = "sistema";

pub const MQTT_USERNAME: Setting = Setting {
    name: "MQTT_USERNAME",
    default: Some(""),
    should_be: "the user's name at the broker, for example servidor.server3",
    about: "user at the broker; empty: none",
};

pub const MQTT_PASSWORD: Setting = Setting {
    name: "MQTT_PASSWORD",
    default: Some(""),
    should_be: "the user's password, of at most 65535 bytes, without NUL",
    about: "password of that user",
};

pub const MQTT_PASSWORD_FILE: Setting = Setting {
    name: "MQTT_PASSWORD_FILE",
    default: Some(""),
    should_be: "a file with the password in one line",
    about: "file with that password, instead of MQTT_PASSWORD",
};

pub const MQTT_CA_FILE: Setting = Setting {
    name: "MQTT_CA_FILE",
    default: Some(""),
    should_be: "a PEM file with the certificate of the broker's authority, or sistema",
    about: "TLS on: who signed the broker's certificate; sistema: the machine's own roots",
};

pub const MQTT_CERT_FILE: Setting = Setting {
    name: "MQTT_CERT_FILE",
    default: Some(""),
    should_be: "a PEM file with this program's certificate",
    about: "client certificate, where the broker wants one",
};

pub const MQTT_KEY_FILE: Setting = Setting {
    name: "MQTT_KEY_FILE",
    default: Some(""),
    should_be: "a PEM file with the key of the client certificate",
    about: "key of the client certificate",
};

/// The roles in the names that `usuario` gives, `{role}.{id}`.
const ROLES: [&str; 5] = ["gateway", "app", "servidor", "carro", "carregador"];

/// A text that MQTT can carry.
struct MqttText(String);

impl FromStr for MqttText {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let valid = text.len() <= MAX_TEXT && !text.contains('\0');
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidValue) }
    }
}

/// What a program logs in with, as it was set: what goes together is checked, the files are not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerLogin {
    pub username: Option<String>,
    pub password: Option<BrokerPassword>,
    /// Set: TLS.
    pub authorities: Option<BrokerAuthorities>,
    /// The files of a client certificate and of its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerPassword {
    Text(Secret),
    File(PathBuf),
}

/// What is wrong with a user whom `usuario` has added for another program.
#[derive(Debug, PartialEq, Eq)]
pub struct WrongUser {
    pub found: String,
    pub remedy: String,
}

/// Who may have signed the broker's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerAuthorities {
    OfSystem,
    File(PathBuf),
}

impl BrokerLogin {
    /// # Errors
    /// A value is malformed, or one is set without the other that it needs.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        let path = |setting: Setting| setting.value(lookup).map(PathBuf::from);
        let username = MQTT_USERNAME.read_if_set::<MqttText>(lookup)?;
        let authorities = MQTT_CA_FILE.value(lookup).map(|value| match value.as_str() {
            OF_SYSTEM => BrokerAuthorities::OfSystem,
            _ => BrokerAuthorities::File(value.into()),
        });
        // Blanks may belong to a password.
        let password = lookup(MQTT_PASSWORD.name).filter(|value| !value.is_empty());
        let password = match (password, path(MQTT_PASSWORD_FILE)) {
            (Some(_), Some(_)) => return Err(both(MQTT_PASSWORD, MQTT_PASSWORD_FILE)),
            (Some(text), None) => {
                let MqttText(text) = MQTT_PASSWORD.parse(text)?;
                Some((MQTT_PASSWORD, BrokerPassword::Text(Secret::new(text))))
            }
            (None, file) => file.map(|file| (MQTT_PASSWORD_FILE, BrokerPassword::File(file))),
        };
        if let (Some((setting, _)), None) = (&password, &username) {
            return Err(without(*setting, MQTT_USERNAME));
        }
        let certificate = match (path(MQTT_CERT_FILE), path(MQTT_KEY_FILE)) {
            (None, None) => None,
            (Some(_), None) => return Err(without(MQTT_CERT_FILE, MQTT_KEY_FILE)),
            (None, Some(_)) => return Err(without(MQTT_KEY_FILE, MQTT_CERT_FILE)),
            (Some(_), Some(_)) if authorities.is_none() => {
                return Err(without(MQTT_CERT_FILE, MQTT_CA_FILE));
            }
            (Some(certificate), Some(key)) => Some((certificate, key)),
        };
        Ok(Self {
            username: username.map(|MqttText(name)| name),
            password: password.map(|(_, password)| password),
            authorities,
            certificate,
        })
    }

    /// Whether the user is that of another program than this one, which has the role and, by its
    /// setting, the id. The broker then gives it the rights of the other one, and does not report
    /// what it leaves out.
    pub fn wrong_user(&self, role: &str, id_setting: Setting, id: &str) -> Option<WrongUser> {
        let name = self.username.as_deref()?;
        let (user_role, user_id) = name.split_once('.')?;
        // An app has the rights of a gateway.
        let is_own_role = user_role == role || (user_role, role) == ("app", "gateway");
        if !ROLES.contains(&user_role) || (is_own_role && user_id == id) {
            return None;
        }
        let (user, id_name) = (MQTT_USERNAME.name, id_setting.name);
        let found = format!(
            "{user} is {name:?} and {id_name} of this {role} is {id:?}: the broker of \
             docker-compose.yml does not deliver to that user what is for {role} {id}"
        );
        let or_id = match is_own_role {
            true => format!(", or {id_name} to {user_id}"),
            false => String::new(),
        };
        let remedy = format!(
            "set {user} to {role}.{id}, a user that docker-compose exec broker usuario novo {role} \
             {id} adds{or_id}"
        );
        Some(WrongUser { found, remedy })
    }

    /// Logs [`wrong_user`](Self::wrong_user), at a start.
    pub fn warn_of_wrong_user(&self, role: &str, id_setting: Setting, id: &str) {
        if let Some(WrongUser { found, remedy }) = self.wrong_user(role, id_setting, id) {
            tracing::warn!("{found}; {remedy}");
        }
    }

    /// The files that only the program should read, each by the variable that names it.
    pub fn secret_files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let password = match &self.password {
            Some(BrokerPassword::File(path)) => Some((MQTT_PASSWORD_FILE.name, path.as_path())),
            Some(BrokerPassword::Text(_)) | None => None,
        };
        let key = self.certificate.as_ref().map(|(_, key)| (MQTT_KEY_FILE.name, key.as_path()));
        password.into_iter().chain(key)
    }
}

fn both(one: Setting, other: Setting) -> ConfigError {
    ConfigError::Both { name: one.name, other: other.name }
}

fn without(set: Setting, missing: Setting) -> ConfigError {
    let Setting { name: missing, should_be, .. } = missing;
    ConfigError::Without { name: set.name, missing, should_be }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cret";

    fn read(set: &[(&str, &str)]) -> Result<BrokerLogin, ConfigError> {
        let value = |name: &str| set.iter().find(|(known, _)| *known == name);
        BrokerLogin::from_lookup(&|name| value(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn what_goes_together_is_read_and_the_rest_is_refused_by_name() {
        let user = ("MQTT_USERNAME", "servidor.server1");
        let (password, file) = (("MQTT_PASSWORD", SECRET), ("MQTT_PASSWORD_FILE", "secret"));
        let ca = ("MQTT_CA_FILE", "ca.crt");
        let (cert, key) = (("MQTT_CERT_FILE", "a.crt"), ("MQTT_KEY_FILE", "a.key"));
        let long = "x".repeat(MAX_TEXT + 1);
        let unset: Vec<_> =
            ["MQTT_USERNAME", "MQTT_PASSWORD", "MQTT_CA_FILE"].map(|n| (n, "")).into();
        for good in [
            &[][..],
            &[user],
            &[user, password],
            &[user, file],
            &[user, password, ("MQTT_PASSWORD_FILE", "")],
            &[ca],
            &[ca, cert, key],
            &unset,
        ] {
            assert!(read(good).is_ok(), "{good:?}");
        }
        for (bad, expected) in [
            (&[user, password, file][..], "MQTT_PASSWORD and MQTT_PASSWORD_FILE are both set"),
            (&[password], "MQTT_PASSWORD is set and MQTT_USERNAME is not"),
            (&[file], "MQTT_PASSWORD_FILE is set and MQTT_USERNAME is not"),
            (&[ca, cert], "MQTT_CERT_FILE is set and MQTT_KEY_FILE is not"),
            (&[ca, key], "MQTT_KEY_FILE is set and MQTT_CERT_FILE is not"),
            (&[cert, key], "MQTT_CERT_FILE is set and MQTT_CA_FILE is not"),
            (&[("MQTT_USERNAME", &long)], "MQTT_USERNAME is "),
            (&[("MQTT_USERNAME", "a\0b")], "MQTT_USERNAME is "),
            (&[user, ("MQTT_PASSWORD", &long)], "MQTT_PASSWORD is no value that can be used"),
            (&[user, ("MQTT_PASSWORD", "s3cret\0")], "MQTT_PASSWORD is no value that can be used"),
        ] {
            let error = read(bad).expect_err(expected).to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains(SECRET) && !error.contains("xxx") || expected.contains("USER"));
        }
    }

    #[test]
    fn a_secret_is_as_it_was_set_and_is_not_shown() {
        let login =
            read(&[("MQTT_USERNAME", " u "), ("MQTT_PASSWORD", " s3cret ")]).expect("a login");
        assert_eq!(login.username.as_deref(), Some("u"));
        assert!(!format!("{login:?}").contains(SECRET), "{login:?}");
        let Some(BrokerPassword::Text(secret)) = &login.password else { panic!("{login:?}") };
        assert_eq!(secret.expose(), " s3cret ");
    }

    #[test]
    fn a_user_of_another_program_is_named_with_both_remedies() {
        const ID: Setting = Setting { name: "MQTT_CLIENT_ID", ..MQTT_USERNAME };
        let wrong_user = |name: &str| {
            let login = read(&[("MQTT_USERNAME", name)]).expect("a login");
            login.wrong_user("gateway", ID, "cliente9")
        };
        let wrong = wrong_user("gateway.cliente3").expect("it is wrong");
        let found = "MQTT_USERNAME is \"gateway.cliente3\" and MQTT_CLIENT_ID of this gateway is \
                     \"cliente9\"";
        assert!(wrong.found.starts_with(found), "{wrong:?}");
        assert!(wrong.remedy.contains("usuario novo gateway cliente9"), "{wrong:?}");
        assert!(wrong.remedy.ends_with("or MQTT_CLIENT_ID to cliente3"), "{wrong:?}");
        // Another id does not make a gateway of a servidor.
        let wrong = wrong_user("servidor.cliente9").expect("it is wrong");
        assert!(wrong.remedy.ends_with("adds"), "{wrong:?}");
        for name in ["app.cliente3", "carro.ABC1234", "carregador.server1.7"] {
            assert!(wrong_user(name).is_some(), "{name}");
        }
        // Names of other brokers, and apps, which have the rights of gateways.
        for name in ["gateway.cliente9", "cliente3", "gateway", "app.cliente9", "x.cliente3", ""] {
            assert_eq!(wrong_user(name), None, "{name}");
        }
    }

    #[test]
    fn the_machines_roots_have_a_word_of_their_own() {
        let login = read(&[("MQTT_CA_FILE", "sistema")]).expect("a login");
        assert_eq!(login.authorities, Some(BrokerAuthorities::OfSystem));
    }
}
