//! What was found by a look at the broker, for an operator.

/// How well a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Ok,
    /// It could not be looked at.
    Unchecked,
    Warning,
    Failure,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub name: &'static str,
    pub severity: Severity,
    pub found: String,
    /// What to do about it; empty where all is well.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn ok(name: &'static str, found: String) -> Self {
        Self { name, severity: Severity::Ok, found, remedy: String::new() }
    }

    pub(crate) fn unchecked(name: &'static str, found: &str, remedy: &str) -> Self {
        let (found, remedy) = (found.to_owned(), remedy.to_owned());
        Self { name, severity: Severity::Unchecked, found, remedy }
    }

    pub(crate) fn warning(name: &'static str, found: String, remedy: impl Into<String>) -> Self {
        Self { name, severity: Severity::Warning, found, remedy: remedy.into() }
    }

    pub(crate) fn failure(name: &'static str, found: String, remedy: impl Into<String>) -> Self {
        Self { name, severity: Severity::Failure, found, remedy: remedy.into() }
    }
}
