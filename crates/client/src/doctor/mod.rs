//! `client doctor`: what is well, and what to do about what is not. It changes nothing, and runs
//! beside the gateway or without it (docs/decisions/0087).

mod broker;
mod gateway;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use prometheus_client::metrics::counter::Counter;
use service::METRICS_ADDR;
use service::doctor::{
    Background, Check, Instance, Report, clock_checks, hanging, http_checks, listener_checks,
    look_at_running, process_checks, read_settings, secret_file_checks, user_check,
};

use crate::app_tokens::AppTokens;
use crate::config::{Config, HTTP_ADDR, MQTT_CLIENT_ID, SETTINGS};

/// How long files are waited for after all else was looked at.
const GRACE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Box<dyn Error>> {
    let mut report = Report::new("client");
    let (config, settings) = read_settings(SETTINGS, Config::from_lookup);
    report.add("settings", settings);
    let Some(config) = config else {
        report.cut_short();
        return Ok(report.print(args.json));
    };
    report.of(config.client_id.as_str());
    let config = Arc::new(config);
    let [login, tokens] = [login_checks, token_checks].map(|checks| {
        let config = Arc::clone(&config);
        Background::start(move || checks(&config))
    });
    let running = look_at_running(config.http_addr, config.client_id.as_str());
    let (instance, addr) = (running.instance, running.http.addr());
    let servidores = matches!(instance, Instance::Runs { .. })
        .then(|| Background::start(move || gateway::servidor_checks(&running.http)));
    let trial = broker::run_trial(&config, instance)?;

    let deadline = Instant::now() + GRACE;
    let of_files = |checks: Background<Vec<Check>>, name, what| {
        checks.until(deadline).unwrap_or_else(|| vec![hanging(name, what)])
    };
    report.add("login", of_files(login, "login files", "the files of the login"));
    let mut program = running.checks;
    let metrics = config.metrics_addr.map(|addr| (METRICS_ADDR.name, addr));
    let addrs = metrics.into_iter().chain([(HTTP_ADDR.name, config.http_addr)]);
    program.extend(listener_checks(instance, addrs));
    program.extend(process_checks(addr, instance));
    report.add("program", program);
    report.add("broker", trial.broker);
    let bus = servidores.and_then(|checks| checks.wait());
    report.add("bus", bus.unwrap_or_else(|| broker::bus_checks(trial.presences.as_deref())));
    report.add("clock", clock_checks(service::now(), running.clocks, &[]));
    let mut access = of_files(tokens, "tokens", "API_TOKENS_FILE");
    access.extend(http_checks(&config.cors, &config.proxies));
    report.add("access", access);
    Ok(report.print(args.json))
}

fn login_checks(config: &Config) -> Vec<Check> {
    let findings = config.credentials().findings();
    let checks = findings.into_iter().map(broker::check);
    let id = (MQTT_CLIENT_ID, config.client_id.as_str());
    let user = user_check(&config.login, "gateway", id);
    checks.chain(secret_file_checks(config.login.secret_files())).chain(user).collect()
}

fn token_checks(config: &Config) -> Vec<Check> {
    vec![match &config.tokens_file {
        None => Check::ok("tokens", "everybody may call (API_TOKENS_FILE names no file)"),
        Some(path) => {
            let (limit, proxies) = (config.limit_per_minute, config.proxies.clone());
            match AppTokens::read(path, limit, proxies, Counter::default()) {
                Ok((tokens, _)) => {
                    let (count, path) = (tokens.len(), path.display());
                    Check::ok("tokens", format!("{path} has {count} tokens of apps"))
                }
                Err(error) => {
                    let found = "a start refuses the tokens of apps; a gateway that runs keeps those it has";
                    Check::failure("tokens", found, error.to_string())
                }
            }
        }
    }]
}
