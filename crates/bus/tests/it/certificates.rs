//! Certificates for tests.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// An authority that signs certificates of brokers and of programs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes `{name}.crt`; its path.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        write(folder, &format!("{name}.crt"), &self.pem)
    }

    /// Writes `{name}.crt` and `{name}.key` of a certificate for these names and addresses.
    pub(crate) fn issue(&self, folder: &Path, name: &str, subjects: &[&str]) -> Pair {
        self.issue_with(folder, name, subjects, |_| {})
    }

    pub(crate) fn issue_with(
        &self,
        folder: &Path,
        name: &str,
        subjects: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Pair {
        let subjects: Vec<_> = subjects.iter().map(|&subject| subject.to_owned()).collect();
        let mut params = CertificateParams::new(subjects).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair {
            certificate: write(folder, &format!("{name}.crt"), &certificate.pem()),
            key: write(folder, &format!("{name}.key"), &key.serialize_pem()),
        }
    }
}

/// The files of a certificate and of its key.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Replaces a file as a whole, as tools that rotate secrets do.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    std::fs::write(&new, text).expect("a file");
    std::fs::rename(&new, &path).expect("the file is replaced");
    path
}
