//! Which requests are traced.

use std::str::FromStr;

use opentelemetry_sdk::trace::Sampler;

use crate::settings::InvalidValue;

/// A sampler by its name in the OpenTelemetry specification.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampling {
    /// What a caller has decided counts.
    pub(super) by_parent: bool,
    roots: Roots,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Roots {
    All,
    None,
    Ratio(f64),
}

impl FromStr for Sampling {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (by_parent, name) = match text.strip_prefix("parentbased_") {
            Some(name) => (true, name),
            None => (false, text),
        };
        let roots = match name {
            "always_on" => Roots::All,
            "always_off" => Roots::None,
            "traceidratio" => Roots::Ratio(1.0),
            _ => return Err(InvalidValue),
        };
        Ok(Self { by_parent, roots })
    }
}

impl Sampling {
    /// The ratio counts only for a sampler that has one.
    pub(super) fn with_ratio(self, ratio: f64) -> Self {
        let roots = match self.roots {
            Roots::Ratio(_) => Roots::Ratio(ratio),
            other => other,
        };
        Self { roots, ..self }
    }

    pub(super) fn sampler(self) -> Sampler {
        let roots = match self.roots {
            Roots::All => Sampler::AlwaysOn,
            Roots::None => Sampler::AlwaysOff,
            Roots::Ratio(ratio) => Sampler::TraceIdRatioBased(ratio),
        };
        if self.by_parent { Sampler::ParentBased(Box::new(roots)) } else { roots }
    }
}
