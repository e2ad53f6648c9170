//! The rules as an operator gets them, and as the test runs them.

use std::path::PathBuf;
use std::process::Command;

use regex::{Captures, Regex};

/// How much shorter durations are in the test.
const SHORTER: u64 = 30;

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/observabilidade"))
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("a file")
}

/// The text with each duration of `for:` and of a range in seconds, shorter.
pub(crate) fn shortened(text: &str) -> String {
    let durations = Regex::new(r"(for: |\[)(\d+)([mh])\b").expect("an expression");
    let shorter = |found: &Captures<'_>| {
        let unit = if &found[3] == "h" { 3600 } else { 60 };
        let seconds = found[2].parse::<u64>().expect("a number") * unit / SHORTER;
        format!("{}{seconds}s", &found[1])
    };
    durations.replace_all(text, shorter).into_owned()
}

/// The names of the alerts.
pub(crate) fn alerts() -> Vec<String> {
    let rules = read("alertas.yml");
    let lines = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    lines.map(str::to_owned).collect()
}

/// The names of our metrics in an expression, as families.
pub(crate) fn metrics_in(text: &str) -> Vec<String> {
    let names = Regex::new(r"\b(?:postos|process)_[a-z_]+").expect("an expression");
    let family = |name: &str| {
        let cut = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        cut.unwrap_or(name).to_owned()
    };
    names.find_iter(text).map(|found| family(found.as_str())).collect()
}

fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(folder()).output();
    let output = output.expect("promtool runs (Debian: apt-get install prometheus)");
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&text));
}

#[test]
#[ignore = "needs promtool (Debian's prometheus)"]
fn promtool_accepts_configuration_and_rules_and_their_tests_pass() {
    promtool(&["check", "config", "prometheus.yml"]);
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", "alertas.yml"]);
    promtool(&["test", "rules", "alertas_teste.yml"]);
    let tested = read("alertas_teste.yml");
    for alert in alerts() {
        assert!(tested.contains(&format!("alertname: {alert}\n")), "{alert} has no test");
    }
}

#[test]
#[ignore = "needs docker-compose"]
fn compose_accepts_the_overlay() {
    let mut compose = Command::new("docker-compose");
    for file in ["docker-compose.yml", "docker-compose.observabilidade.yml"] {
        compose.arg("-f").arg(folder().join("../..").join(file));
    }
    let output = compose.arg("config").output().expect("docker-compose runs");
    let config = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT: http://rastros:4318";
    assert_eq!(config.matches(endpoint).count(), 4, "{config}");
    let joins = |network: &str| {
        let lines = config.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with(&format!("{network}:"))).count()
    };
    // Each with the line that declares it: no observer is where the broker is.
    assert_eq!(
        (joins("carregamento_network"), joins("observabilidade_network")),
        (6, 8),
        "{config}"
    );
    for image in ["prom/prometheus:v", "grafana/grafana:", "jaegertracing/jaeger:"] {
        assert!(config.contains(&format!("image: {image}")), "{image}");
    }
    // No file of its own is missing: Docker would make a folder in its place.
    for line in config.lines().filter(|line| line.contains("deploy/observabilidade")) {
        let path = line.trim().trim_start_matches("- ").trim_start_matches("source: ");
        let path = path.split(':').next().expect("a path");
        assert!(std::path::Path::new(path).exists(), "{line}");
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = read("alertas.yml");
    let operating = include_str!("../../../../docs/operating.md");
    let blocks: Vec<&str> = rules.split("- alert: ").skip(1).collect();
    assert_eq!(blocks.len(), alerts().len());
    for block in blocks {
        let name = block.lines().next().expect("a name").trim();
        for part in ["expr: ", "for: ", "severity: ", "summary: ", "description: "] {
            assert!(block.contains(part), "{name} has no {part}");
        }
        let anchor = name.to_lowercase();
        assert!(block.contains(&format!("runbook: docs/operating.md#{anchor}\n")), "{name}");
        assert!(operating.contains(&format!("\n### {name}\n")), "{name} has no steps");
    }
}

#[test]
fn durations_are_shortened_and_nothing_else() {
    let text = "rate(x[5m]) > 30\nfor: 2m\nfor: 1h\nup == 0 for 5m";
    let expected = "rate(x[10s]) > 30\nfor: 4s\nfor: 120s\nup == 0 for 5m";
    assert_eq!(shortened(text), expected);
}
