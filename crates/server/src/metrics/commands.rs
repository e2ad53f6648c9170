//! What is counted of the commands that reach the servidor over the broker.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use protocol::topics::Command;
use protocol::{Codigo, ReplyCodigo};
use service::{CodigoLabel, CommandLabel, register_metric};

pub(crate) struct CommandMetrics {
    handled: Family<Labels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    command: CommandLabel,
    /// Empty for a success.
    codigo: Option<CodigoLabel>,
}

impl CommandMetrics {
    pub(crate) fn new(registry: &mut Registry) -> Self {
        let help = "Commands that were carried out or refused, repeats included; codigo is empty for \
                    a success";
        Self {
            handled: register_metric(registry, "postos_servidor_commands", help, Family::default()),
        }
    }

    pub(crate) fn handled(&self, command: Command, codigo: Option<Codigo>) {
        let codigo = codigo.map(|codigo| CodigoLabel(ReplyCodigo::Known(codigo)));
        self.handled.get_or_create(&Labels { command: CommandLabel(command), codigo }).inc();
    }
}
