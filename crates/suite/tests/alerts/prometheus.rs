//! A real Prometheus.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use reqwest::Url;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::harness::{Program, World, eventually, free_port};
use crate::rules;

/// Ends with the value.
pub(crate) struct Prometheus {
    _child: Child,
    url: String,
}

impl Prometheus {
    /// Scrapes these programs, by the jobs that the alerts know.
    pub(crate) async fn start(world: &World, server: &Program, client: &Program) -> Self {
        Self::start_at(world, &server.metrics_addr(), client).await
    }

    /// As [`start`](Self::start), with another address of the servidor.
    pub(crate) async fn start_at(world: &World, server: &str, client: &Program) -> Self {
        let folder = world.folder().join("prometheus");
        std::fs::create_dir_all(&folder).expect("a folder");
        let short = rules::shortened(&rules::read("alertas.yml"));
        std::fs::write(folder.join("alertas.yml"), short).expect("the rules");
        let config = format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             rule_files: [alertas.yml]\n\
             scrape_configs:\n{}{}",
            job("servidores", server),
            job("gateways", &client.metrics_addr())
        );
        std::fs::write(folder.join("prometheus.yml"), config).expect("the configuration");
        let port = free_port();
        let child = start(&folder, port);
        let prometheus = Self { _child: child, url: format!("http://127.0.0.1:{port}") };
        eventually("Prometheus scrapes all programs", async || {
            let found = prometheus.query("sum(up)").await;
            found.first().is_some_and(|(_, value)| value == "2")
        })
        .await;
        prometheus
    }

    /// The series that an expression has now, with their labels and values.
    ///
    /// # Panics
    /// The expression is wrong.
    pub(crate) async fn query(&self, expression: &str) -> Vec<(Value, String)> {
        let url = format!("{}/api/v1/query", self.url);
        let url = Url::parse_with_params(&url, [("query", expression)]).expect("an address");
        let Ok(answer) = reqwest::get(url).await else { return Vec::new() };
        let answer: Value = answer.json().await.unwrap_or_default();
        assert_ne!(answer["status"], "error", "{expression}: {answer}");
        let series = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let read = |one: &Value| {
            (one["metric"].clone(), one["value"][1].as_str().unwrap_or_default().to_owned())
        };
        series.iter().map(read).collect()
    }

    /// The alerts that fire now.
    pub(crate) async fn firing(&self) -> BTreeSet<String> {
        let firing = self.query("ALERTS{alertstate=\"firing\"}").await;
        let name = |(labels, _): &(Value, String)| {
            labels["alertname"].as_str().expect("a name").to_owned()
        };
        firing.iter().map(name).collect()
    }
}

fn job(name: &str, target: &str) -> String {
    format!("  - {{job_name: {name}, static_configs: [{{targets: [\"{target}\"]}}]}}\n")
}

fn start(folder: &Path, port: u16) -> Child {
    let log = std::fs::File::create(folder.join("log")).expect("a file");
    let mut command = Command::new("prometheus");
    command
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .kill_on_drop(true);
    command.spawn().expect("Prometheus runs (Debian: apt-get install prometheus)")
}
