//! The process as Linux sees it, under the names that every Prometheus client uses.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeMetric as _;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use rlimit::Resource;

/// Reads `/proc` at each scrape. What cannot be read is left out.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        if let Some(stat) = Stat::read() {
            let help = "Time of processors that was used";
            let cpu = ConstCounter::new(stat.cpu_seconds);
            let kind = cpu.metric_type();
            cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, kind)?)?;
            let help = "Memory in use";
            gauge(&mut encoder, "process_resident_memory_bytes", help, stat.resident_bytes)?;
            if let Some(booted) = booted_at() {
                let help = "When the process started, in seconds since 1970";
                let started = booted + stat.started_after_boot;
                gauge(&mut encoder, "process_start_time_seconds", help, started)?;
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            gauge(&mut encoder, "process_open_fds", "Open file descriptors", open.count())?;
        }
        if let Ok(max) = Resource::NOFILE.get_soft() {
            gauge(&mut encoder, "process_max_fds", "File descriptors that may be open", max)?;
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeGaugeValue,
) -> fmt::Result {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

/// Of `/proc/self/stat`.
struct Stat {
    cpu_seconds: f64,
    started_after_boot: f64,
    resident_bytes: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
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

/// When the machine started, in seconds since 1970.
fn booted_at() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_does_not_move_the_fields() {
        let rest = "S 1 2 3 0 -1 4 5 6 7 8 250 150 0 0 20 0 3 0 12300 999 42 18446744073709551615";
        for name in ["server", "a) S 9 (b", "a b c"] {
            let stat = Stat::parse(&format!("77 ({name}) {rest}")).expect("it is complete");
            let ticks = rustix::param::clock_ticks_per_second() as f64;
            assert_eq!(stat.cpu_seconds, 400.0 / ticks, "{name}");
            assert_eq!(stat.started_after_boot, 12_300.0 / ticks);
            assert_eq!(stat.resident_bytes, 42 * rustix::param::page_size() as u64);
        }
        assert!(Stat::parse("77 (server) S 1 2").is_none());
    }

    #[test]
    fn this_process_started_a_short_time_ago() {
        let stat = Stat::read().expect("Linux");
        let started = booted_at().expect("Linux") + stat.started_after_boot;
        let now = crate::now().as_millis() as f64 / 1000.0;
        assert!((now - 3600.0..now + 5.0).contains(&started), "{started} {now}");
        assert!(stat.resident_bytes > 1 << 20);
    }
}
