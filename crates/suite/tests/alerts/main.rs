//! The alerts and the dashboard of `deploy/observabilidade`, in a real Prometheus that scrapes the real
//! programs while they work and while something is wrong.
//!
//! Every duration in the rules is a thirtieth of what it is for an operator (`for: 5m` is 10 s), and
//! nothing else differs.

mod dashboard;
#[allow(dead_code, reason = "the promises have disks fail in more ways")]
#[path = "../promises/disk_faults.rs"]
mod disk_faults;
mod faults;
#[path = "../harness/mod.rs"]
mod harness;
mod load;
mod prometheus;
#[allow(dead_code, reason = "the promises cut links in more ways")]
#[path = "../promises/proxy.rs"]
mod proxy;
mod rules;
