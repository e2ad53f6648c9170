//! The process as Linux sees it, under the names that every Prometheus client uses.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeMetric as _;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use rlimit::Resource;

use crate::proc_stat::ProcStat;

/// Reads `/proc` at each scrape. What cannot be read is left out.
#[derive(Debug)]
pub(super) struct Process {
    started_at: f64,
}

impl Process {
    /// Of a process that starts now. The moment is read from the clock once: computed from the time
    /// since boot it would move whenever somebody sets the clock, as if the process had started again.
    pub(super) fn starts_now() -> Self {
        Self { started_at: crate::now().as_millis() as f64 / 1000.0 }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        if let Some(stat) = ProcStat::read("/proc/self".as_ref()) {
            let help = "Time of processors that was used";
            let cpu = ConstCounter::new(stat.cpu_seconds);
            let kind = cpu.metric_type();
            cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, kind)?)?;
            let help = "Memory in use";
            gauge(&mut encoder, "process_resident_memory_bytes", help, stat.resident_bytes)?;
        }
        let help = "When the process started, by the clock of then, in seconds since 1970";
        gauge(&mut encoder, "process_start_time_seconds", help, self.started_at)?;
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
