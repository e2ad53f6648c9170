//! `DATABASE_URL`, read as SQLAlchemy reads it.

use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The drivers of SQLAlchemy that open a plain SQLite file, as they follow `sqlite`.
const DRIVERS: [&str; 3] = ["+pysqlite", "+aiosqlite", "+pysqlite_numeric"];
/// Parameters that say how a Python program uses its own connections.
const DRIVER_PARAMETERS: [&str; 5] =
    ["check_same_thread", "timeout", "isolation_level", "detect_types", "cached_statements"];

/// Path of the database file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseUrl(PathBuf);

/// The text is not a URL of an SQLite file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an SQLite URL")]
pub struct InvalidDatabaseUrl;

impl DatabaseUrl {
    /// The file, relative to the working directory unless the URL was absolute.
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn from_path(path: PathBuf) -> Self {
        Self(path)
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    /// `sqlite:///rel` is relative and `sqlite:////abs` absolute, as in SQLAlchemy
    /// (docs.sqlalchemy.org, "SQLite connect strings"); `sqlite://rel` and `sqlite:rel` are
    /// sqlx's spelling, also with `?mode=rwc`, which is the default here. SQLAlchemy's drivers
    /// (`sqlite+aiosqlite:`) and what only concerns them (`check_same_thread`, `timeout`) mean nothing
    /// here. An in-memory database (`:memory:`) is refused: it would lose what was promised to be on disk.
    fn from_str(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        let (scheme, rest) = url.split_once(':').ok_or(InvalidDatabaseUrl)?;
        let driver = scheme.strip_prefix("sqlite").ok_or(InvalidDatabaseUrl)?;
        if !driver.is_empty() && !DRIVERS.contains(&driver) {
            return Err(InvalidDatabaseUrl);
        }
        let path = match rest.strip_prefix("//") {
            Some(after_host) => after_host.strip_prefix('/').unwrap_or(after_host),
            None => rest,
        };
        let (path, parameters) = path.split_once('?').unwrap_or((path, ""));
        let is_ignored = |parameter: &str| {
            let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
            parameter == "mode=rwc" || DRIVER_PARAMETERS.contains(&name)
        };
        if !parameters.is_empty() && !parameters.split('&').all(is_ignored) {
            return Err(InvalidDatabaseUrl);
        }
        let names_a_file = !path.is_empty() && !path.ends_with('/') && path != "." && path != "..";
        if !names_a_file || path.contains([':', '?', '\0']) {
            return Err(InvalidDatabaseUrl);
        }
        Ok(Self(PathBuf::from(path)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_counted_as_sqlalchemy_counts_them() {
        for (url, path) in [
            ("sqlite:///./data/server1.db", "./data/server1.db"),
            ("sqlite:///data/server1.db", "data/server1.db"),
            ("sqlite:////var/lib/server1.db", "/var/lib/server1.db"),
            ("sqlite://data/server1.db", "data/server1.db"),
            ("sqlite:data/server1.db", "data/server1.db"),
            ("sqlite://data/server1.db?mode=rwc", "data/server1.db"),
            ("sqlite+pysqlite:///./data/server1.db", "./data/server1.db"),
            ("sqlite+aiosqlite:////var/lib/server1.db", "/var/lib/server1.db"),
            ("sqlite:///./data/server1.db?check_same_thread=False", "./data/server1.db"),
            ("sqlite:///server1.db?timeout=30&check_same_thread=false&mode=rwc", "server1.db"),
        ] {
            assert_eq!(url.parse::<DatabaseUrl>().expect(url).path(), Path::new(path), "{url}");
        }
    }

    #[test]
    fn in_memory_databases_and_other_urls_are_refused() {
        for url in [
            "",
            "server1.db",
            "postgres://localhost/db",
            "sqlite:",
            "sqlite://",
            "sqlite:///",
            "sqlite://:memory:",
            "sqlite::memory:",
            "sqlite:///data/",
            "sqlite:///a.db?mode=ro",
            "sqlite://?mode=rwc",
            "sqlite+pysqlcipher:///a.db",
            "sqlite+:///a.db",
            "sqlite3:///a.db",
            "sqlite:///a.db?timeout=5&mode=ro",
            "sqlite:///a.db?cache=shared",
            "sqlite:///file:a.db?uri=true",
        ] {
            assert_eq!(url.parse::<DatabaseUrl>(), Err(InvalidDatabaseUrl), "{url:?}");
        }
    }
}
