//! Whether others can read what they should not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::report::Check;

/// What of the mode lets every user in.
const OTHERS: u32 = 0o007;

/// Of files with a secret, each by the variable that names it. One that is missing or cannot be read
/// is found by what needs it.
pub fn secret_file_checks<'a>(
    files: impl IntoIterator<Item = (&'static str, &'a Path)>,
) -> Vec<Check> {
    files.into_iter().filter_map(|(variable, path)| check(variable, path)).collect()
}

fn check(variable: &str, path: &Path) -> Option<Check> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    let shown = path.display();
    Some(if mode & OTHERS == 0 {
        Check::ok("secret files", format!("{shown} ({variable}) has mode {mode:o}"))
    } else {
        let found =
            format!("every user of this machine can use {shown} ({variable}, mode {mode:o})");
        let remedy = format!("chmod o= {shown} (if it is mounted into a container: on the host)");
        Check::warning("secret files", found, remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_secret_that_everybody_can_read_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        fs::write(&file, "s3cret").expect("a file");
        for (mode, verdict) in [
            (0o600, Verdict::Ok),
            (0o640, Verdict::Ok),
            (0o644, Verdict::Warning),
            (0o602, Verdict::Warning),
        ] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
            let checks = secret_file_checks([("MQTT_PASSWORD_FILE", &*file)]);
            assert!(checks.len() == 1 && checks[0].verdict == verdict, "{checks:?}");
            if verdict == Verdict::Warning {
                let remedy = checks[0].remedy.as_deref().expect("a remedy");
                assert!(remedy.starts_with(&format!("chmod o= {}", file.display())), "{remedy}");
                assert!(!checks[0].found.contains("s3cret"));
            }
        }
        assert_eq!(secret_file_checks([("X", Path::new("/does/not/exist"))]), []);
    }
}
