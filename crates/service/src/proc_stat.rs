//! What `/proc` says of a process and of the machine.

use std::fs;
use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

/// Of a process.
pub(crate) struct ProcStat {
    pub(crate) cpu_seconds: f64,
    pub(crate) started_after_boot: f64,
    pub(crate) resident_bytes: u64,
}

impl ProcStat {
    /// `process`: its folder in `/proc`.
    pub(crate) fn read(process: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(process.join("stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name of the program, which may have blanks and parentheses, ends with the last one. The
        // third field of proc_pid_stat(5) follows it.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
        let (user, system) = (field(14)?, field(15)?);
        Some(Self {
            cpu_seconds: seconds(user + system),
            started_after_boot: seconds(field(22)?),
            resident_bytes: field(24)? * rustix::param::page_size() as u64,
        })
    }
}

/// When the machine started, in seconds since 1970, by the clock of now. Not from `/proc/stat`, which a
/// unit with `ProcSubset=pid` does not see.
pub(crate) fn booted_at() -> f64 {
    let since_boot = clock_gettime(ClockId::Boottime);
    let since_boot = since_boot.tv_sec as f64 + since_boot.tv_nsec as f64 / 1e9;
    crate::now().as_millis() as f64 / 1000.0 - since_boot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_does_not_move_the_fields() {
        let rest = "S 1 2 3 0 -1 4 5 6 7 8 250 150 0 0 20 0 3 0 12300 999 42 18446744073709551615";
        for name in ["server", "a) S 9 (b", "a b c"] {
            let stat = ProcStat::parse(&format!("77 ({name}) {rest}")).expect("it is complete");
            let ticks = rustix::param::clock_ticks_per_second() as f64;
            assert_eq!(stat.cpu_seconds, 400.0 / ticks, "{name}");
            assert_eq!(stat.started_after_boot, 12_300.0 / ticks);
            assert_eq!(stat.resident_bytes, 42 * rustix::param::page_size() as u64);
        }
        assert!(ProcStat::parse("77 (server) S 1 2").is_none());
    }

    #[test]
    fn this_process_started_a_short_time_ago() {
        let stat = ProcStat::read("/proc/self".as_ref()).expect("Linux");
        let started = booted_at() + stat.started_after_boot;
        let now = crate::now().as_millis() as f64 / 1000.0;
        assert!((now - 3600.0..now + 5.0).contains(&started), "{started} {now}");
        assert!(stat.resident_bytes > 1 << 20);
    }
}
