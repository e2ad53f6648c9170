//! A real nginx with the configuration of `deploy/nginx`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::address;
use crate::harness::{Program, eventually, free_port};

/// The name that leads to the gateway.
pub(crate) const GATEWAY: &str = "postos.example.com";

pub(crate) struct Nginx {
    pub(crate) addr: SocketAddr,
    log: PathBuf,
    _child: Child,
}

impl Nginx {
    /// In front of a gateway, with one line of the configuration replaced. It speaks no TLS, which
    /// `deploy/nginx/check.py` tries.
    pub(crate) async fn start(folder: &Path, gateway: &Program, (from, to): (&str, &str)) -> Self {
        let port = free_port();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nginx");
        let read = |name: &str| std::fs::read_to_string(source.join(name)).expect("a file");
        // Its own log is another one, see `has_seen`.
        let is_other = |line: &&str| {
            ["ssl_", "access_log "].iter().any(|start| line.trim_start().starts_with(start))
        };
        let is_ipv6 = |line: &&str| line.contains("listen [::]");
        let plain = |text: String| {
            let lines = text.lines().filter(|line| !is_other(line) && !is_ipv6(line));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        let text = plain(read("postos.conf"))
            .replace("listen 443 ssl http2", &format!("listen 127.0.0.1:{port}"))
            .replace("listen 443 ssl", &format!("listen 127.0.0.1:{port}"))
            .replace("127.0.0.1:8001", &address(gateway).to_string())
            .replace("/etc/nginx/postos/", &format!("{}/", folder.display()));
        let shared = plain(read("proxy.conf"));
        assert!(shared.contains(from) || text.contains(from), "{from} is nowhere");
        for (file, text) in [("proxy.conf", shared), ("postos.conf", text)] {
            std::fs::write(folder.join(file), text.replace(from, to)).expect("a file");
        }
        let at = folder.display();
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let temporary = kinds.map(|kind| format!("{kind}_temp_path {at}/{kind};\n")).concat();
        let main = format!(
            "daemon off;\nmaster_process off;\nuser root;\npid {at}/nginx.pid;\nerror_log {at}/nginx.log;\nevents {{}}\n\
             http {{\n{temporary}\
             log_format named '$http_x_request_id $upstream_addr';\naccess_log {at}/access.log named;\ninclude {at}/postos.conf;\n}}\n"
        );
        std::fs::write(folder.join("nginx.conf"), main).expect("a file");
        let mut nginx = Command::new("nginx");
        nginx.arg("-e").arg(folder.join("nginx.log")).arg("-p").arg(folder);
        nginx.arg("-c").arg(folder.join("nginx.conf")).stdin(Stdio::null()).kill_on_drop(true);
        nginx.stdout(Stdio::null()).stderr(Stdio::null());
        let path = std::env::var("PATH").unwrap_or_default();
        let child = nginx.env("PATH", format!("{path}:/usr/sbin")).spawn();
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let child = child.expect("nginx is installed");
        eventually("nginx listens", async || tokio::net::TcpStream::connect(addr).await.is_ok())
            .await;
        Self { addr, log: folder.join("access.log"), _child: child }
    }

    /// Whether it has passed on a request with this `X-Request-Id`.
    pub(crate) fn has_seen(&self, name: &str) -> bool {
        let log = std::fs::read_to_string(&self.log).expect("a log");
        log.lines().any(|line| line.split(' ').next() == Some(name))
    }
}
