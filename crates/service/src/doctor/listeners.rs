//! Whether a program that does not run could listen where its settings say.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

use super::report::Check;
use super::running::Instance;

/// What would keep the next start from listening: by the names of the settings, the addresses.
pub fn listener_checks(
    instance: Instance,
    addrs: impl IntoIterator<Item = (&'static str, SocketAddr)>,
) -> Vec<Check> {
    if instance != Instance::Absent {
        return Vec::new();
    }
    let checks = addrs
        .into_iter()
        .filter_map(|(setting, addr)| bind(addr).err().map(|error| refused(setting, addr, &error)));
    checks.collect()
}

fn refused(setting: &str, addr: SocketAddr, error: &io::Error) -> Check {
    const NAME: &str = "listening";
    let found = format!("a start refuses {setting}: nothing can listen on {addr}: {error}");
    match error.kind() {
        // A unit may give the program a right that this command has not.
        ErrorKind::PermissionDenied => {
            let found = format!("this command may not listen on {addr} ({setting}): {error}");
            Check::unchecked(NAME, found, "run it with the rights of the program")
        }
        ErrorKind::AddrNotAvailable => {
            Check::failure(NAME, found, format!("name an address of this machine in {setting}"))
        }
        _ => {
            let remedy = format!("give the program another {setting}, or end what listens there");
            Check::failure(NAME, found, remedy)
        }
    }
}

/// As a start binds it. It does not listen, so that a program which starts at this moment can.
fn bind(addr: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::report::Verdict;
    use super::*;

    #[test]
    fn an_address_in_use_is_found_while_the_program_does_not_run() {
        let other = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addrs = || {
            let taken = other.local_addr().expect("its address");
            [("HTTP_ADDR", ([127, 0, 0, 1], 0).into()), ("METRICS_ADDR", taken)]
        };
        let checks = listener_checks(Instance::Absent, addrs());
        let [check] = &checks[..] else { panic!("{} checks", checks.len()) };
        assert_eq!(check.verdict, Verdict::Failure);
        assert!(check.found.contains("METRICS_ADDR"), "{}", check.found);
        let elsewhere = [("HTTP_ADDR", ([192, 0, 2, 1], 8000).into())];
        let checks = listener_checks(Instance::Absent, elsewhere);
        let remedy = checks[0].remedy.as_deref().unwrap_or_default();
        assert!(remedy.contains("an address of this machine"), "{remedy}");
        assert!(listener_checks(Instance::Runs { is_connected: true }, addrs()).is_empty());
    }
}
