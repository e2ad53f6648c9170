//! Who may use the HTTP API, as far as both programs decide it alike.

use super::report::Check;
use crate::http::{CorsOrigins, TrustedProxies};

/// Of `CORS_ORIGENS` and `PROXIES_CONFIAVEIS`.
pub fn http_checks(cors: &CorsOrigins, proxies: &TrustedProxies) -> Vec<Check> {
    let origins = match cors {
        CorsOrigins::Any => {
            "pages of every origin may read the answers (CORS_ORIGENS is *)".to_owned()
        }
        CorsOrigins::None => "no page of another origin may read the answers".to_owned(),
        CorsOrigins::Only(origins) => {
            format!("pages of {} origins may read the answers", origins.len())
        }
    };
    let mut checks = vec![Check::ok("origins", origins)];
    if proxies.has_everybody() {
        let found = "PROXIES_CONFIAVEIS names every address: each caller chooses under which address it \
                     is counted";
        let remedy = "name the addresses of the reverse proxies alone, for example \
                      PROXIES_CONFIAVEIS=10.0.0.7";
        checks.push(Check::failure("proxies", found, remedy));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn proxies_that_are_everybody_are_named() {
        for (proxies, worst) in [
            ("", Verdict::Ok),
            ("10.0.0.0/8, ::1", Verdict::Ok),
            ("10.0.0.7 0.0.0.0/0", Verdict::Failure),
            ("::/0", Verdict::Failure),
        ] {
            let checks = http_checks(&CorsOrigins::Any, &proxies.parse().expect("networks"));
            let last = checks.last().expect("a check");
            assert_eq!(last.verdict, worst, "{proxies}");
            assert!(
                worst == Verdict::Ok
                    || last.remedy.as_ref().is_some_and(|it| it.contains("10.0.0.7"))
            );
        }
    }
}
