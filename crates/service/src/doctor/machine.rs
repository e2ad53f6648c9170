//! What the machine, or the container, gives to a process.

use std::fs;
use std::path::{Path, PathBuf};

use super::report::Check;

/// A servidor with some hundred connections has this many files open.
const MIN_FILES: u64 = 1024;
/// Idle, a program takes a sixth of it.
const MIN_MEMORY: u64 = 64 << 20;
const MIB: u64 = 1 << 20;

/// Open files of a process, and how many it may have. `is_running`: it is the program, and not this
/// command.
pub(super) fn limit_check(process: &Path, is_running: bool) -> Check {
    let Some(limit) = limit(process, is_running) else {
        let found =
            format!("{} does not say how many are allowed", process.join("limits").display());
        let remedy = "run this command as the user of the program, or as root";
        return Check::unchecked("open files", found, remedy);
    };
    let Ok(limit) = limit.parse::<u64>() else {
        return Check::ok("open files", "without a limit");
    };
    let open = fs::read_dir(process.join("fd")).map_or(0, Iterator::count) as u64;
    let used = if is_running { format!("{open} of {limit}") } else { format!("at most {limit}") };
    let remedy = "raise the limit: LimitNOFILE= in the unit, ulimits: nofile in docker-compose.yml, \
                  ulimit -n in a shell";
    if is_running && open * 10 > limit * 9 {
        Check::failure("open files", format!("{used}: connections are refused soon"), remedy)
    } else if limit < MIN_FILES {
        Check::warning("open files", format!("{used}: few connections are possible"), remedy)
    } else {
        Check::ok("open files", used)
    }
}

/// As the kernel writes it.
fn limit(process: &Path, is_running: bool) -> Option<String> {
    let limits = fs::read_to_string(process.join("limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    // The program raises the soft limit to the hard one when it starts.
    let place = if is_running { 0 } else { 1 };
    line.split_whitespace().nth(place).map(str::to_owned)
}

/// The memory that the process's control group may use.
pub(super) fn memory_check(process: &Path, cgroup: &Path) -> Check {
    let group = Group::of(process, cgroup);
    let Some((group, limit)) = group.and_then(|group| group.limit().map(|limit| (group, limit)))
    else {
        return Check::ok("memory", "no control group limits it");
    };
    let used = group.used();
    let shown = format!("{} of {} MiB", used / MIB, limit / MIB);
    let remedy = "give it more: mem_limit in docker-compose.yml, MemoryMax= in the unit";
    let kills = group.kills();
    if kills > 0 {
        let found = format!("{shown}; the kernel has killed {kills} processes for lack of it");
        Check::warning("memory", found, remedy)
    } else if used > limit / 10 * 9 {
        Check::failure("memory", format!("{shown}: the kernel may kill it soon"), remedy)
    } else if limit < MIN_MEMORY {
        Check::warning("memory", format!("{shown}: that is little"), remedy)
    } else {
        Check::ok("memory", shown)
    }
}

/// A control group, of version 2 or 1.
struct Group {
    folder: PathBuf,
    is_v2: bool,
}

impl Group {
    fn of(process: &Path, root: &Path) -> Option<Self> {
        let groups = fs::read_to_string(process.join("cgroup")).ok()?;
        let path = |prefix: &str| {
            let own = groups.lines().find_map(|line| line.split_once(prefix))?.1;
            Some(own.trim_start_matches('/').to_owned())
        };
        let memory = root.join("memory");
        // A container sees its own group as the root, whatever its path is.
        let v2 = path("0::").map(|own| root.join(own));
        let v1 = path(":memory:").map(|own| memory.join(own));
        let v2 = v2.into_iter().chain([root.to_owned()]).map(|folder| Self { folder, is_v2: true });
        let v1 = v1.into_iter().chain([memory]).map(|folder| Self { folder, is_v2: false });
        v2.chain(v1).find(|group| group.folder.join(group.name("limit")).exists())
    }

    fn name(&self, what: &str) -> &'static str {
        match (what, self.is_v2) {
            ("limit", true) => "memory.max",
            ("limit", false) => "memory.limit_in_bytes",
            (_, true) => "memory.current",
            (_, false) => "memory.usage_in_bytes",
        }
    }

    fn read(&self, what: &str) -> Option<u64> {
        fs::read_to_string(self.folder.join(self.name(what))).ok()?.trim().parse().ok()
    }

    /// Version 2 writes `max` where there is none, version 1 a number that no machine has.
    fn limit(&self) -> Option<u64> {
        self.read("limit").filter(|limit| *limit < 1 << 60)
    }

    /// Without what the kernel only caches, which it takes away when it needs it.
    fn used(&self) -> u64 {
        let cached = self.count("memory.stat", "inactive_file ");
        self.read("used").unwrap_or(0).saturating_sub(cached)
    }

    fn kills(&self) -> u64 {
        self.count("memory.events", "oom_kill ")
    }

    fn count(&self, file: &str, prefix: &str) -> u64 {
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(prefix));
        line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    #[test]
    fn few_open_files_are_named_with_where_to_raise_them() {
        for (limits, is_running, verdict, found) in [
            ("Max open files            1024 1048576 files", false, Verdict::Ok, "at most 1048576"),
            ("Max open files            4096 4096 files", true, Verdict::Ok, "2 of 4096"),
            ("Max open files            unlimited unlimited files", true, Verdict::Ok, "without"),
            ("Max open files            256 512 files", false, Verdict::Warning, "at most 512"),
            ("Max open files            2 2 files", true, Verdict::Failure, "2 of 2"),
        ] {
            let process = folder(&[("limits", limits), ("fd/0", ""), ("fd/1", "")]);
            let check = limit_check(process.path(), is_running);
            assert!(check.verdict == verdict && check.found.starts_with(found), "{check:?}");
            let remedy = check.remedy.unwrap_or_else(|| "LimitNOFILE".to_owned());
            assert!(remedy.contains("LimitNOFILE"), "{remedy}");
        }
    }

    #[test]
    fn little_memory_is_named_in_both_versions_of_control_groups() {
        let v2 = |limit, used, events| {
            vec![
                ("g/memory.max", limit),
                ("g/memory.current", used),
                ("g/memory.stat", "inactive_file 1048576\n"),
                ("g/memory.events", events),
            ]
        };
        let v1 = vec![
            ("memory/g/memory.limit_in_bytes", "33554432"),
            ("memory/g/memory.usage_in_bytes", "1048576"),
        ];
        let (mib100, mib98, mib2) = ("104857600", "102760448", "2097152");
        for (files, groups, verdict, found) in [
            (v2("max", mib2, ""), "0::/g", Verdict::Ok, "no control group"),
            (v2(mib100, mib2, "oom_kill 0\n"), "0::/g", Verdict::Ok, "1 of 100 MiB"),
            (v2(mib100, mib98, ""), "0::/g", Verdict::Failure, "97 of 100 MiB"),
            (
                v2(mib100, mib2, "oom 3\noom_kill 2\n"),
                "0::/g",
                Verdict::Warning,
                "1 of 100 MiB; the kernel has killed 2",
            ),
            (v1, "4:memory:/g\n0::/", Verdict::Warning, "1 of 32 MiB: that is little"),
        ] {
            let (process, root) = (folder(&[("cgroup", groups)]), folder(&files));
            let check = memory_check(process.path(), root.path());
            assert!(check.verdict == verdict && check.found.starts_with(found), "{check:?}");
            let remedy = check.remedy.unwrap_or_else(|| "mem_limit".to_owned());
            assert!(remedy.contains("mem_limit"), "{remedy}");
        }
    }
}
