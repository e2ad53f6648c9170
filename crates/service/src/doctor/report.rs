//! The results of checks, and how they are shown.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::VERSION;

/// Exit code where something is wrong.
const EXIT_FAILURE: u8 = 1;
/// Exit code where the settings are: nothing else could be looked at.
const EXIT_SETTINGS: u8 = 2;

/// How well a thing is. The worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    /// It could not be looked at; the remedy says why, or how it can be.
    Unchecked,
    /// It works now, and an operator should know of it.
    Warning,
    Failure,
}

impl Verdict {
    fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unchecked => "-",
            Self::Warning => "warning",
            Self::Failure => "FAILURE",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub verdict: Verdict,
    pub found: String,
    /// What to do about it, with the variable, file or command. Only where it is not well.
    pub remedy: Option<String>,
}

impl Check {
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    pub fn unchecked(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(name, Verdict::Unchecked, found.into(), remedy.into())
    }

    pub fn warning(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(name, Verdict::Warning, found.into(), remedy.into())
    }

    pub fn failure(
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(name, Verdict::Failure, found.into(), remedy.into())
    }

    fn new(name: &'static str, verdict: Verdict, found: String, remedy: String) -> Self {
        Self { name, verdict, found, remedy: Some(remedy) }
    }
}

/// All that was looked at, in groups.
pub struct Report {
    program: &'static str,
    id: Option<String>,
    groups: Vec<(&'static str, Vec<Check>)>,
    /// The settings are wrong, so that nothing else was looked at.
    is_cut_short: bool,
}

/// As `--json` shows it.
#[derive(Serialize)]
struct ReportJson<'a> {
    program: &'static str,
    version: &'static str,
    id: Option<&'a str>,
    verdict: Verdict,
    checks: Vec<CheckJson<'a>>,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    group: &'static str,
    #[serde(flatten)]
    check: &'a Check,
}

impl Report {
    pub fn new(program: &'static str) -> Self {
        Self { program, id: None, groups: Vec::new(), is_cut_short: false }
    }

    /// Of the program with this id.
    pub fn of(&mut self, id: &str) {
        self.id = Some(id.to_owned());
    }

    pub fn add(&mut self, group: &'static str, checks: Vec<Check>) {
        self.groups.push((group, checks));
    }

    /// Nothing else is looked at, because the settings are wrong.
    pub fn cut_short(&mut self) {
        self.is_cut_short = true;
    }

    fn checks(&self) -> impl Iterator<Item = (&'static str, &Check)> {
        self.groups.iter().flat_map(|(group, checks)| checks.iter().map(|check| (*group, check)))
    }

    fn verdict(&self) -> Verdict {
        self.checks().map(|(_, check)| check.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// Prints it to standard output.
    pub fn print(&self, json: bool) -> ExitCode {
        let text = if json { self.json() } else { self.text() };
        // Nobody may read it: the exit code says the most important thing.
        let _ = std::io::stdout().write_all(text.as_bytes());
        match self.verdict() {
            _ if self.is_cut_short => ExitCode::from(EXIT_SETTINGS),
            Verdict::Failure => ExitCode::from(EXIT_FAILURE),
            Verdict::Ok | Verdict::Unchecked | Verdict::Warning => ExitCode::SUCCESS,
        }
    }

    fn json(&self) -> String {
        let checks = self.checks().map(|(group, check)| CheckJson { group, check }).collect();
        let Self { program, id, .. } = self;
        let (id, verdict) = (id.as_deref(), self.verdict());
        let report = ReportJson { program, version: VERSION, id, verdict, checks };
        serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
    }

    fn text(&self) -> String {
        let Self { program, id, .. } = self;
        let mut text = match id {
            Some(id) => format!("{id} ({program} {VERSION})\n"),
            None => format!("{program} {VERSION}\n"),
        };
        for (group, checks) in self.groups.iter().filter(|(_, checks)| !checks.is_empty()) {
            let _ = writeln!(text, "\n{group}");
            for Check { name, verdict, found, remedy } in checks {
                let _ = writeln!(text, "  {:<8} {name}: {}", verdict.mark(), printable(found));
                if let Some(remedy) = remedy {
                    let _ = writeln!(text, "           -> {}", printable(remedy));
                }
            }
        }
        let _ = writeln!(text, "\n{}", self.summary());
        text
    }

    fn summary(&self) -> String {
        let count = |verdict| self.checks().filter(|(_, check)| check.verdict == verdict).count();
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            _ => format!("{count} {word}s"),
        };
        let (failures, warnings) = (count(Verdict::Failure), count(Verdict::Warning));
        let mut text = match (failures, warnings) {
            (0, 0) => "all is well".to_owned(),
            (0, _) => plural(warnings, "warning"),
            (_, 0) => plural(failures, "failure"),
            _ => format!("{}, {}", plural(failures, "failure"), plural(warnings, "warning")),
        };
        let unchecked = count(Verdict::Unchecked);
        if unchecked > 0 {
            let _ = write!(text, "; {unchecked} not looked at");
        }
        if self.is_cut_short {
            text += "; with wrong settings nothing else is looked at";
        }
        text
    }
}

/// Some of it was sent by others, who must not control a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{FFFD}' } else { one }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(checks: Vec<Check>) -> Report {
        let mut report = Report::new("server");
        report.of("server1");
        report.add("broker", checks);
        report
    }

    #[test]
    fn each_check_is_a_line_and_a_remedy_follows_what_is_not_well() {
        let shown = report(vec![
            Check::ok("login", "as servidor.s"),
            Check::failure("rights", "none", "give some"),
            Check::warning("versao", "\u{1b}[2J", "upgrade"),
            Check::unchecked("queue", "not asked", "ask"),
        ]);
        let text = "\n\nbroker\n  ok       login: as servidor.s\n  \
                    FAILURE  rights: none\n           -> give some\n  \
                    warning  versao: \u{FFFD}[2J\n           -> upgrade\n  \
                    -        queue: not asked\n           -> ask\n\n\
                    1 failure, 1 warning; 1 not looked at\n";
        assert_eq!(shown.text(), format!("server1 (server {VERSION}){text}"));
        let json: serde_json::Value = serde_json::from_str(&shown.json()).expect("JSON");
        assert_eq!(json["verdict"], "failure");
        let second = serde_json::json!({
            "group": "broker", "name": "rights", "verdict": "failure", "found": "none",
            "remedy": "give some"
        });
        assert_eq!(json["checks"][1], second);
    }

    #[test]
    fn the_worst_check_decides() {
        let ok = || Check::ok("a", "b");
        for (other, verdict, summary) in [
            (ok(), Verdict::Ok, "all is well"),
            (Check::unchecked("a", "", ""), Verdict::Unchecked, "all is well; 1 not looked at"),
            (Check::warning("a", "", ""), Verdict::Warning, "1 warning"),
            (Check::failure("a", "", ""), Verdict::Failure, "1 failure"),
        ] {
            let report = report(vec![other, ok()]);
            assert_eq!((report.verdict(), report.summary().as_str()), (verdict, summary));
        }
    }
}
