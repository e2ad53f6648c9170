//! `client doctor`: what is well, and what to do about what is not. It changes nothing, and runs
//! beside the gateway or without it (docs/decisions/0087).

mod broker;
mod gateway;

use std::error::Error;
use std::process::ExitCode;

use clap::Args;
use prometheus_client::metrics::counter::Counter;
use service::doctor::{
    Check, Instance, Report, clock_checks, http_checks, look_at_running, process_checks,
    read_settings, secret_file_checks,
};

use crate::app_tokens::AppTokens;
use crate::config::{Config, SETTINGS};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Box<dyn Error>> {
    let mut report = Report::new("client", VERSION);
    let (config, settings) = read_settings(SETTINGS, Config::from_lookup);
    report.add("settings", settings);
    let Some(config) = config else {
        report.cut_short();
        return Ok(report.print(args.json));
    };
    report.of(config.client_id.as_str());
    let running = look_at_running(config.http_addr, config.client_id.as_str(), VERSION);
    let tried = broker::try_out(&config, running.instance == Instance::Absent)?;
    let is_running = matches!(running.instance, Instance::Runs { .. });

    report.add("login", login_checks(&config));
    let mut program = running.checks;
    program.extend(process_checks(running.http.addr()));
    report.add("program", program);
    report.add("broker", tried.broker);
    report.add(
        "bus",
        match is_running {
            true => gateway::servidor_checks(&running.http),
            false => broker::bus_checks(tried.presences.as_deref()),
        },
    );
    report.add("clock", clock_checks(service::now(), running.clocks, &[]));
    report.add("access", access(&config));
    Ok(report.print(args.json))
}

fn login_checks(config: &Config) -> Vec<Check> {
    let findings = config.credentials().findings();
    let checks = findings.into_iter().map(broker::check);
    checks.chain(secret_file_checks(config.login.secret_files())).collect()
}

fn access(config: &Config) -> Vec<Check> {
    let tokens = match &config.tokens_file {
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
    };
    let mut checks = vec![tokens];
    checks.extend(http_checks(&config.cors, &config.proxies));
    checks
}
