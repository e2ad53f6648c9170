//! Labels that several crates use. Every value is one of a closed list.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};
use protocol::ReplyCodigo;
use protocol::topics::Command;

/// The code of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodigoLabel(pub ReplyCodigo);

/// A command, as the log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandLabel(pub Command);

impl EncodeLabelValue for CodigoLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.to_string().encode(encoder)
    }
}

impl EncodeLabelValue for CommandLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.0.to_string().encode(encoder)
    }
}
