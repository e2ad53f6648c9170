//! What a program logs in with. The files are read again at each login, so that a secret or a
//! certificate that was replaced is used without a restart.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::BYTE_ORDER_MARK;

/// The longest text in an MQTT packet, in bytes.
const MAX_TEXT: usize = 65_535;
/// A file of certificates is far shorter, also that of a machine's own roots.
const MAX_PEM: u64 = 16 << 20;

const PASSWORD_FILE: &str = "MQTT_PASSWORD_FILE";
const CA_FILE: &str = "MQTT_CA_FILE";
const CERT_FILE: &str = "MQTT_CERT_FILE";
const KEY_FILE: &str = "MQTT_KEY_FILE";

/// What a program logs in with. It has no `Debug`, because a password is in it.
#[derive(Clone, Default)]
pub struct Credentials {
    pub username: Option<String>,
    /// Only with a user name.
    pub password: Option<Password>,
    /// Set: the connection is TLS, and the broker's certificate is checked against these.
    pub authorities: Option<Authorities>,
    /// Only with authorities.
    pub certificate: Option<ClientCertificate>,
}

#[derive(Clone)]
pub enum Password {
    Text(String),
    File(PathBuf),
}

/// Who may have signed the broker's certificate.
#[derive(Debug, Clone)]
pub enum Authorities {
    /// Those that this machine trusts.
    OfSystem,
    File(PathBuf),
}

#[derive(Debug, Clone)]
pub struct ClientCertificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Why a program cannot log in with what was set. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("{variable} names {path:?}, {problem}; it should be {}", should_be(variable))]
    File { variable: &'static str, path: PathBuf, problem: String },
    #[error(
        "MQTT_KEY_FILE names {key:?}, whose key is not that of the certificate in {certificate:?}; \
         MQTT_CERT_FILE and MQTT_KEY_FILE should be a pair"
    )]
    NoPair { certificate: PathBuf, key: PathBuf },
    #[error(
        "MQTT_CA_FILE is sistema, and this machine has no certificates of authorities{0}; install \
         them (Debian: ca-certificates), or name the file of the broker's authority"
    )]
    NoSystemAuthorities(String),
}

fn should_be(variable: &str) -> &'static str {
    match variable {
        PASSWORD_FILE => "a file with the password in one line, of at most 65535 bytes of UTF-8",
        CA_FILE => "a PEM file with the certificate of the broker's authority, or sistema",
        CERT_FILE => "a PEM file with this program's certificate",
        _ => "a PEM file with the certificate's private key, not encrypted",
    }
}

/// What one login uses.
pub(crate) struct Login {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

/// How the files were at one time: another value says that one of them was replaced.
pub(crate) type FileVersions = Vec<Option<(SystemTime, u64, u64)>>;

impl Credentials {
    /// Reads everything once, so that a start fails at once.
    ///
    /// # Errors
    /// A file is missing, unreadable, or holds something else.
    pub fn check(&self) -> Result<(), CredentialsError> {
        self.load().map(drop)
    }

    pub(crate) fn load(&self) -> Result<Login, CredentialsError> {
        let password = match &self.password {
            None => None,
            Some(Password::Text(text)) => Some(text.clone()),
            Some(Password::File(path)) => Some(read_password(path)?),
        };
        let tls = self.authorities.as_ref().map(|authorities| self.tls(authorities));
        let tls = tls.transpose()?.map(Arc::new);
        Ok(Login { username: self.username.clone(), password, tls })
    }

    /// Reads the certificates in the file of authorities, in DER; none if there is no such file, or
    /// it cannot be read.
    pub(crate) fn authority_certificates(&self) -> Vec<CertificateDer<'static>> {
        match &self.authorities {
            Some(Authorities::File(path)) => certificates(CA_FILE, path).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// Reads the own certificate of this program, in DER, if it can be read.
    pub(crate) fn own_certificate(&self) -> Option<CertificateDer<'static>> {
        let pair = self.certificate.as_ref()?;
        certificates(CERT_FILE, &pair.certificate).ok()?.into_iter().next()
    }

    /// The version of each file. It asks the file system only, and reads nothing.
    pub(crate) fn file_versions(&self) -> FileVersions {
        let version = |path: &PathBuf| {
            let metadata = path.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
        };
        self.files().map(version).collect()
    }

    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let password = match &self.password {
            Some(Password::File(path)) => Some(path),
            _ => None,
        };
        let authorities = match &self.authorities {
            Some(Authorities::File(path)) => Some(path),
            _ => None,
        };
        let pair = self.certificate.as_ref().map(|pair| [&pair.certificate, &pair.key]);
        password.into_iter().chain(authorities).chain(pair.into_iter().flatten())
    }

    fn tls(&self, authorities: &Authorities) -> Result<ClientConfig, CredentialsError> {
        let roots = match authorities {
            Authorities::OfSystem => system_roots()?,
            Authorities::File(path) => roots_of(path)?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions();
        // The provider has what both versions need.
        let builder = builder.map_err(|error| file_error(CA_FILE, Path::new(""), error))?;
        let builder = builder.with_root_certificates(roots);
        let Some(ClientCertificate { certificate, key }) = &self.certificate else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates(CERT_FILE, certificate)?;
        let private_key = PrivateKeyDer::from_pem_slice(&read_pem(KEY_FILE, key)?)
            .map_err(|_| file_error(KEY_FILE, key, "which has no private key in PEM"))?;
        builder.with_client_auth_cert(chain, private_key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                CredentialsError::NoPair { certificate: certificate.clone(), key: key.clone() }
            }
            rustls::Error::InvalidCertificate(error) => {
                file_error(CERT_FILE, certificate, format!("which cannot be used ({error})"))
            }
            error => file_error(KEY_FILE, key, format!("whose key cannot be used ({error})")),
        })
    }
}

fn file_error(variable: &'static str, path: &Path, problem: impl ToString) -> CredentialsError {
    CredentialsError::File { variable, path: path.to_owned(), problem: problem.to_string() }
}

/// Reads at most `limit` bytes of a regular file: a pipe could be read only once, and might never
/// end.
fn read(variable: &'static str, path: &Path, limit: u64) -> Result<Vec<u8>, CredentialsError> {
    let unreadable = |error: std::io::Error| {
        file_error(variable, path, format!("which cannot be read ({error})"))
    };
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(file_error(variable, path, "which is no regular file"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(file_error(variable, path, format!("which has more than {limit} bytes")));
    }
    // Windows programs begin text files with it.
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    if bytes.is_empty() {
        return Err(file_error(variable, path, "which is empty"));
    }
    Ok(bytes)
}

fn read_password(path: &Path) -> Result<String, CredentialsError> {
    let refused = |problem: &str| file_error(PASSWORD_FILE, path, problem);
    // The trailing line break does not count.
    let bytes = read(PASSWORD_FILE, path, MAX_TEXT as u64 + 2)?;
    let text = String::from_utf8(bytes).map_err(|_| refused("which is not UTF-8"))?;
    let text =
        text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(refused("which has only a line break"));
    }
    if text.contains('\0') {
        return Err(refused("which has a NUL character"));
    }
    if text.len() > MAX_TEXT {
        return Err(refused("which has more than 65535 bytes"));
    }
    Ok(text.to_owned())
}

fn read_pem(variable: &'static str, path: &Path) -> Result<Vec<u8>, CredentialsError> {
    read(variable, path, MAX_PEM)
}

fn certificates(
    variable: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let pem = read_pem(variable, path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = read
        .map_err(|error| file_error(variable, path, format!("whose PEM is damaged ({error})")))?;
    if found.is_empty() {
        return Err(file_error(variable, path, "which has no certificate in PEM"));
    }
    match passed_over(&pem) {
        Some(problem) => Err(file_error(variable, path, problem)),
        None => Ok(found),
    }
}

/// Why the library does not read a certificate of this file; `None` if it reads all. It reads only
/// what begins a line with `-----BEGIN CERTIFICATE-----`, and reports nothing of what it skips. A line
/// after `#` is a comment.
fn passed_over(pem: &[u8]) -> Option<String> {
    let lines = pem.split(|byte| matches!(byte, b'\n' | b'\r'));
    for line in lines.filter(|line| !line.trim_ascii_start().starts_with(b"#")) {
        let line = String::from_utf8_lossy(line);
        let Some((before, begin)) = line.split_once("-----BEGIN ") else { continue };
        let kind = begin.trim_end().trim_end_matches('-');
        if kind == "CERTIFICATE" && !before.is_empty() {
            return Some(
                "which has -----BEGIN CERTIFICATE----- within a line: end what is before it with a line \
                 break"
                    .to_owned(),
            );
        }
        if kind != "CERTIFICATE" && kind.ends_with(" CERTIFICATE") {
            return Some(format!("which has a {kind}, where only a CERTIFICATE is read"));
        }
    }
    None
}

fn roots_of(path: &Path) -> Result<RootCertStore, CredentialsError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(CA_FILE, path)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| {
            let number = index + 1;
            file_error(
                CA_FILE,
                path,
                format!("whose certificate {number} cannot be used ({error})"),
            )
        })?;
    }
    Ok(roots)
}

/// Reads the roots that this machine trusts. Some of them may be unreadable; the others count.
fn system_roots() -> Result<RootCertStore, CredentialsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|error| format!(" ({error})"));
        return Err(CredentialsError::NoSystemAuthorities(why.unwrap_or_default()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
