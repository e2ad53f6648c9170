//! TLS, against a Mosquitto that speaks it.

mod certificates;
mod connections;

use bus::{Authorities, Bus, ClientCertificate, Credentials, Options};

use crate::certificates::{Authority, Pair};
use crate::support::{eventually, options};

/// A folder of certificates.
struct Certificates {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Certificates {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new("a") }
    }

    fn broker(&self, name: &str, subjects: &[&str]) -> Pair {
        self.authority.issue(self.folder.path(), name, subjects)
    }

    /// What a program needs that trusts this authority.
    fn trusting(&self) -> Credentials {
        let file = self.authority.write(self.folder.path(), "ca");
        Credentials { authorities: Some(Authorities::File(file)), ..Credentials::default() }
    }

    fn with_certificate(&self, pair: &Pair) -> Credentials {
        let Pair { certificate, key } = pair.clone();
        Credentials { certificate: Some(ClientCertificate { certificate, key }), ..self.trusting() }
    }
}

/// The lines of a Mosquitto with this certificate.
fn lines(pair: &Pair, extra: &str) -> &'static str {
    let Pair { certificate, key } = pair;
    let (certificate, key) = (certificate.display(), key.display());
    // A test's configuration lives as long as the test.
    format!("user root\nmax_queued_messages 10000\ncertfile {certificate}\nkeyfile {key}\n{extra}")
        .leak()
}

fn tls(port: u16, credentials: Credentials) -> Options {
    Options { credentials, ..options(port, "b", &["t"]) }
}

async fn problem_of(bus: &Bus) -> String {
    eventually("the problem is known", || bus.last_problem().is_some()).await;
    bus.last_problem().unwrap()
}
