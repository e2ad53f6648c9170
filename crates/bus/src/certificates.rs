//! How long certificates are valid, and whether the files of a login can be used.

use protocol::Timestamp;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::clock;
use crate::finding::Finding;
use crate::{Authorities, Credentials};

/// An operator has so long to renew a certificate once it is named.
const RENEW_BEFORE: i64 = 30 * 24 * 60 * 60;
const DAY: i64 = 24 * 60 * 60;

impl Credentials {
    /// Whether the broker may know by them who this is, and allow only one connection for it.
    pub fn has_name(&self) -> bool {
        self.username.is_some() || self.certificate.is_some()
    }

    /// Whether the files can be used, and how long the certificates in them are valid.
    pub fn findings(&self) -> Vec<Finding> {
        if let Err(error) = self.check() {
            let found = "what the program logs in with cannot be used".to_owned();
            return vec![Finding::failure("login files", found, error.to_string())];
        }
        let mut findings = Vec::new();
        if let Some(Authorities::File(path)) = &self.authorities {
            for der in self.authority_certificates() {
                let what = format!("a certificate in {} (MQTT_CA_FILE)", path.display());
                let remedy = "put the authority's new certificate beside the old one in that file";
                findings.push(validity(&what, &der, remedy));
            }
        }
        if let Some(pair) = &self.certificate {
            let what = format!("{} (MQTT_CERT_FILE)", pair.certificate.display());
            let remedy = "have it renewed by the broker's authority, and replace MQTT_CERT_FILE and \
                          MQTT_KEY_FILE";
            findings.extend(self.own_certificate().map(|der| validity(&what, &der, remedy)));
        }
        findings
    }
}

/// Whether a certificate in DER is valid now and for a while; `what` names it.
pub(crate) fn validity(what: &str, der: &[u8], remedy: &str) -> Finding {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Finding::failure("certificates", format!("{what} cannot be read"), remedy);
    };
    let validity = certificate.validity();
    let (begin, end) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    at(what, begin, end, clock::now().as_millis() / 1_000, remedy)
}

fn at(what: &str, begin: i64, end: i64, now: i64, remedy: &str) -> Finding {
    const NAME: &str = "certificates";
    if now < begin {
        let found = format!("{what} is valid only from {} on", date(begin));
        return Finding::failure(
            NAME,
            found,
            format!("is this machine's clock right? Else {remedy}"),
        );
    }
    if now > end {
        return Finding::failure(NAME, format!("{what} expired at {}", date(end)), remedy);
    }
    if end - now < RENEW_BEFORE {
        let days = (end - now) / DAY;
        let found = format!("{what} expires in {days} days, at {}", date(end));
        return Finding::warning(NAME, found, remedy);
    }
    Finding::ok(NAME, format!("{what} is valid until {}", date(end)))
}

fn date(seconds: i64) -> Timestamp {
    Timestamp::clamped(seconds.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    #[test]
    fn a_certificate_is_named_from_thirty_days_before_its_end() {
        let now = 1_800_000_000;
        for (begin, end, severity, found) in [
            (-1, 31, Severity::Ok, "x is valid until 2027-02-"),
            (-1, 29, Severity::Warning, "x expires in 29 days, at 2027-02-"),
            (-60, -1, Severity::Failure, "x expired at 2027-01-"),
            (1, 60, Severity::Failure, "x is valid only from 2027-01-"),
        ] {
            let finding = at("x", now + begin * DAY, now + end * DAY, now, "renew it");
            assert!(
                finding.severity == severity && finding.found.starts_with(found),
                "{finding:?}"
            );
            assert!(severity == Severity::Ok || finding.remedy.contains("renew it"), "{finding:?}");
        }
    }
}
