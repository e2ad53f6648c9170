//! The process that runs the program, as the kernel shows it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use protocol::Timestamp;

use super::machine::{limit_check, memory_check};
use super::report::Check;
use super::running::Instance;
use crate::proc_stat::{ProcStat, booted_at};

/// The state of a socket that listens, as `/proc/net/tcp` writes it.
const LISTEN: &str = "0A";

/// Of the process that listens at `addr`; of this one where that cannot be seen, which needs the same
/// user or root.
pub fn process_checks(addr: SocketAddr, instance: Instance) -> Vec<Check> {
    checks_in(Path::new("/proc"), Path::new("/sys/fs/cgroup"), addr, instance)
}

fn checks_in(proc: &Path, cgroup: &Path, addr: SocketAddr, instance: Instance) -> Vec<Check> {
    let found = find_listener(proc, addr);
    let process = found.as_ref().map_or_else(|| proc.join("self"), Clone::clone);
    let mut checks = Vec::new();
    if let Some(process) = &found {
        checks.push(started(process));
        checks.extend(replaced(process));
    } else if instance != Instance::Absent {
        let found = format!(
            "the process that listens at {addr} cannot be seen; what follows is of this one"
        );
        let remedy = "run this command as the user of the program, or as root if it has namespaces of \
                      its own (a unit with PrivateUsers=)";
        checks.push(Check::unchecked("started", found, remedy));
    }
    checks.push(limit_check(&process, found.is_some()));
    checks.push(memory_check(&process, cgroup));
    checks
}

/// The folder in `/proc` of the process that listens there.
fn find_listener(proc: &Path, addr: SocketAddr) -> Option<PathBuf> {
    // `/proc/net` leads there, where there is one: a unit with `ProcSubset=pid` has none.
    let sockets =
        ["self/net/tcp", "self/net/tcp6"].map(|table| fs::read_to_string(proc.join(table)));
    let lines: Vec<_> = sockets.into_iter().filter_map(Result::ok).collect();
    let inode =
        lines.iter().flat_map(|table| table.lines()).find_map(|line| inode_of(line, addr))?;
    let socket = format!("socket:[{inode}]");
    let processes = fs::read_dir(proc).ok()?.filter_map(Result::ok);
    // `self` and `thread-self` lead to this one.
    let is_process = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.iter().all(u8::is_ascii_digit)
    };
    processes.map(|process| process.path()).filter(is_process).find(|process| {
        let files = fs::read_dir(process.join("fd")).into_iter().flatten().filter_map(Result::ok);
        files
            .map(|file| fs::read_link(file.path()))
            .any(|target| target.is_ok_and(|target| target.as_os_str() == socket.as_str()))
    })
}

/// The inode of the socket in this line, if it listens at `addr` or at every address.
fn inode_of(line: &str, addr: SocketAddr) -> Option<&str> {
    let words: Vec<_> = line.split_whitespace().collect();
    let (local, state, inode) = (words.get(1)?, words.get(3)?, words.get(9)?);
    let (ip, port) = local.split_once(':')?;
    let is_there = u16::from_str_radix(port, 16) == Ok(addr.port())
        && address(ip).is_some_and(|ip| ip.is_unspecified() || ip == addr.ip());
    (*state == LISTEN && is_there).then_some(*inode)
}

/// Words of 32 bits, each in the byte order of a little-endian machine.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |index: usize| {
        let word = hex.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(word, 16).ok().map(u32::to_le_bytes)
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let bytes = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

fn started(process: &Path) -> Check {
    let pid = process.file_name().unwrap_or_default().to_string_lossy();
    match start_time(process) {
        Some(at) => Check::ok("started", format!("process {pid} runs since {at}")),
        None => Check::ok("started", format!("process {pid} runs")),
    }
}

fn start_time(process: &Path) -> Option<Timestamp> {
    let seconds = booted_at() + ProcStat::read(process)?.started_after_boot;
    Some(Timestamp::clamped(seconds as i64 * 1_000))
}

/// Its file was replaced or removed since it started.
fn replaced(process: &Path) -> Option<Check> {
    let exe = fs::read_link(process.join("exe")).ok()?;
    let exe = exe.to_str()?.strip_suffix(" (deleted)")?;
    let found = format!("{exe} was replaced since the program started");
    Some(Check::warning("program", found, "restart the program, so that the new one runs"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        assert_eq!(address("0100007F"), Some(Ipv4Addr::LOCALHOST.into()));
        let loopback = "00000000000000000000000001000000";
        assert_eq!(address(loopback), Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(address("x"), None);
        let line =
            "  0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 77 1";
        let inode = |addr: &str| inode_of(line, addr.parse().expect("an address"));
        assert_eq!(inode("127.0.0.1:8000"), Some("77"));
        assert_eq!(inode("127.0.0.1:8001"), None);
        assert_eq!(
            inode_of(&line.replace(" 0A ", " 01 "), "127.0.0.1:8000".parse().expect("it")),
            None
        );
    }

    #[test]
    fn the_process_that_listens_is_found_with_its_start() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let found = find_listener(Path::new("/proc"), addr).expect("this process");
        assert_eq!(found, Path::new("/proc").join(std::process::id().to_string()));
        let started = start_time(&found).expect("a start").as_millis();
        let ago = crate::now().as_millis() - started;
        assert!((-1_000..3_600_000).contains(&ago), "{ago} ms ago");
        drop(listener);
        assert_eq!(find_listener(Path::new("/proc"), addr), None);
    }

    #[test]
    fn a_process_that_cannot_be_seen_is_named() {
        let none = tempfile::tempdir().expect("a folder");
        let addr = "127.0.0.1:8000".parse().expect("an address");
        let looked = |instance| checks_in(none.path(), none.path(), addr, instance);
        let started = &looked(Instance::Runs { is_connected: true })[0];
        assert_eq!((started.name, started.verdict), ("started", Verdict::Unchecked));
        let remedy = started.remedy.as_deref().expect("a remedy");
        assert!(remedy.contains("the user of the program, or as root"), "{remedy}");
        let limits = &looked(Instance::Absent)[0];
        assert_eq!((limits.name, limits.verdict), ("open files", Verdict::Unchecked));
    }

    #[test]
    fn a_program_whose_file_was_replaced_is_to_be_restarted() {
        let folder = tempfile::tempdir().expect("a folder");
        symlink("/usr/local/bin/server", folder.path().join("exe")).expect("a link");
        assert_eq!(replaced(folder.path()), None);
        fs::remove_file(folder.path().join("exe")).expect("a link");
        symlink("/usr/local/bin/server (deleted)", folder.path().join("exe")).expect("a link");
        let check = replaced(folder.path()).expect("a warning");
        assert_eq!(check.verdict, Verdict::Warning);
        assert!(check.remedy.expect("a remedy").starts_with("restart the program"));
    }
}
