//! The settings of traces. Names and meanings are those of the OpenTelemetry specification.

use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry::KeyValue;
use percent_encoding::percent_decode_str;

use super::sampling::Sampling;
use crate::settings::{ConfigError, InvalidValue, Lookup, Setting, number_in};
use crate::web_origin::WebOrigin;

/// Where a collector takes traces, below its endpoint.
const TRACES_PATH: &str = "/v1/traces";

/// Spans that wait to be exported; more are dropped. Each takes about a kilobyte.
pub(super) const MAX_QUEUE: usize = 8192;

pub const OTEL_SDK_DISABLED: Setting = Setting {
    name: "OTEL_SDK_DISABLED",
    default: Some("false"),
    should_be: "true or false",
    about: "true: no traces, whatever else is set",
};

pub const OTEL_TRACES_EXPORTER: Setting = Setting {
    name: "OTEL_TRACES_EXPORTER",
    default: Some("otlp"),
    should_be: "otlp, none, or names of exporters of OpenTelemetry, separated by commas",
    about: "how traces are sent; without otlp in it: no traces, whatever else is set",
};

pub const OTEL_EXPORTER_OTLP_ENDPOINT: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    default: Some(""),
    should_be: "the URL of a collector that takes OTLP over HTTP, for example http://localhost:4318",
    about: "collector of traces (OTLP over HTTP); empty: no traces",
};

pub const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    default: Some(""),
    should_be: "the whole URL for traces, for example http://localhost:4318/v1/traces",
    about: "the same as a whole URL; empty: /v1/traces of that collector",
};

pub const OTEL_TRACES_SAMPLER: Setting = Setting {
    name: "OTEL_TRACES_SAMPLER",
    default: Some("parentbased_always_on"),
    should_be: "always_on, always_off, traceidratio or one of these after parentbased_",
    about: "which requests are traced",
};

pub const OTEL_TRACES_SAMPLER_ARG: Setting = Setting {
    name: "OTEL_TRACES_SAMPLER_ARG",
    default: Some("1"),
    should_be: "a number from 0 to 1, for example 0.1",
    about: "the part of them that traceidratio traces",
};

/// Without the default, which each program has.
pub const OTEL_SERVICE_NAME: Setting = Setting {
    name: "OTEL_SERVICE_NAME",
    default: None,
    should_be: "a name",
    about: "service.name of the traces",
};

pub const OTEL_RESOURCE_ATTRIBUTES: Setting = Setting {
    name: "OTEL_RESOURCE_ATTRIBUTES",
    default: Some(""),
    should_be: "pairs, for example deployment.environment.name=producao,host.name=a1",
    about: "more that the traces say about this program",
};

/// The exporter reads these two as well, leaves out what is no header without a word, and takes the second
/// for set where it is empty.
pub const OTEL_EXPORTER_OTLP_HEADERS: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    default: Some(""),
    should_be: "pairs, for example Authorization=Bearer%20TOKEN",
    about: "headers for the collector, such as the key of a vendor's store",
};

pub const OTEL_EXPORTER_OTLP_TRACES_HEADERS: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    about: "the same for traces alone, in place of these",
    ..OTEL_EXPORTER_OTLP_HEADERS
};

pub const OTEL_BSP_SCHEDULE_DELAY: Setting = Setting {
    name: "OTEL_BSP_SCHEDULE_DELAY",
    default: Some("5000"),
    should_be: "milliseconds from 1 to 3600000",
    about: "after how long ended spans are sent at the latest",
};

pub const OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Setting = Setting {
    name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    default: Some("512"),
    should_be: "a number from 1 to 8192",
    about: "spans that are sent together at most",
};

/// What traces are made with, where they are on.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    pub(super) endpoint: Endpoint,
    pub(super) sampling: Sampling,
    pub(super) service_name: String,
    pub(super) attributes: Attributes,
    pub(super) headers: Headers,
    pub(super) batches: Batches,
}

impl TraceSettings {
    /// `None` if no endpoint is set, or traces are switched off. `service_name` has the default of the program.
    ///
    /// # Errors
    /// The first variable that is malformed. Those of traces that are off are checked too: an operator
    /// who switches them on should not find out at the next start.
    pub fn from_lookup(
        service_name: Setting,
        lookup: Lookup<'_>,
    ) -> Result<Option<Self>, ConfigError> {
        let parse = |setting: Setting| setting.value(lookup).map(|value| setting.parse(value));
        let is_disabled: Switch = OTEL_SDK_DISABLED.read(lookup)?;
        let exporters: Exporters = OTEL_TRACES_EXPORTER.read(lookup)?;
        let is_on = !is_disabled.0 && exporters.has_otlp;
        let base: Option<Endpoint> = parse(OTEL_EXPORTER_OTLP_ENDPOINT).transpose()?;
        let whole: Option<Endpoint> = parse(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT).transpose()?;
        let ratio: Ratio = OTEL_TRACES_SAMPLER_ARG.read(lookup)?;
        let sampling: Sampling = OTEL_TRACES_SAMPLER.read(lookup)?;
        let attributes: Attributes = OTEL_RESOURCE_ATTRIBUTES.read(lookup)?;
        let service_name = service_name.read(lookup)?;
        let headers: Headers = OTEL_EXPORTER_OTLP_HEADERS.read(lookup)?;
        let of_traces: Headers = OTEL_EXPORTER_OTLP_TRACES_HEADERS.read(lookup)?;
        let headers = if of_traces.0.is_empty() { headers } else { of_traces };
        let delay: Millis = OTEL_BSP_SCHEDULE_DELAY.read(lookup)?;
        let size: BatchSize = OTEL_BSP_MAX_EXPORT_BATCH_SIZE.read(lookup)?;
        let batches = Batches { delay: delay.0, size: size.0 };
        let endpoint = whole.or_else(|| base.map(|base| base.with_path(TRACES_PATH)));
        let sampling = sampling.with_ratio(ratio.0);
        Ok(endpoint.filter(|_| is_on).map(|endpoint| Self {
            endpoint,
            sampling,
            service_name,
            attributes,
            headers,
            batches,
        }))
    }
}

/// The specification takes what is no boolean for false, with a warning; here it is a mistake as any
/// other.
struct Switch(bool);

impl FromStr for Switch {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        text.to_ascii_lowercase().parse().map(Self).map_err(|_| InvalidValue)
    }
}

/// Whether traces are sent, by a list of exporters. All programs of a machine may share it, and those
/// of other languages know more: of all of them only OTLP is here.
struct Exporters {
    has_otlp: bool,
}

impl FromStr for Exporters {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let text = text.to_ascii_lowercase();
        let names: Vec<_> = text.split(',').map(str::trim).collect();
        let is_name = |name: &&str| {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte);
            !name.is_empty() && name.bytes().all(is_part)
        };
        let has_none = names.contains(&"none");
        if !names.iter().all(is_name) || (has_none && names.len() > 1) {
            return Err(InvalidValue);
        }
        // Python's name for it says by which protocol.
        let is_otlp = |name: &&str| *name == "otlp" || name.starts_with("otlp_proto");
        Ok(Self { has_otlp: names.iter().any(is_otlp) })
    }
}

/// An `http` or `https` URL without user, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint(String);

impl Endpoint {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is_tls(&self) -> bool {
        self.0.starts_with("https:")
    }

    fn with_path(self, path: &str) -> Self {
        Self(format!("{}{path}", self.0.trim_end_matches('/')))
    }
}

impl FromStr for Endpoint {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let (origin, path) = WebOrigin::of_url(text)?;
        let url = format!("{origin}{path}");
        let uri: Uri = url.parse().map_err(|_| InvalidValue)?;
        let is_plain = uri.query().is_none() && !path.contains('#');
        if origin.is_http() && is_plain { Ok(Self(url)) } else { Err(InvalidValue) }
    }
}

/// When spans are sent, and how many together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batches {
    pub(super) delay: Duration,
    pub(super) size: usize,
}

struct Millis(Duration);

impl FromStr for Millis {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // With 0 the exporter would not sleep at all.
        number_in(1..=3_600_000, text).map(|millis| Self(Duration::from_millis(millis)))
    }
}

struct BatchSize(usize);

impl FromStr for BatchSize {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        number_in(1..=MAX_QUEUE, text).map(Self)
    }
}

struct Ratio(f64);

impl FromStr for Ratio {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        number_in(0.0..=1.0, text).map(Self)
    }
}

/// Pairs of the resource, with percent-encoded values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Attributes(pub(super) Vec<KeyValue>);

impl FromStr for Attributes {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (key, value) = pair.split_once('=').ok_or(InvalidValue)?;
            let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| InvalidValue)?;
            let key = Some(key.trim()).filter(|key| !key.is_empty()).ok_or(InvalidValue)?;
            Ok(KeyValue::new(key.to_owned(), value.into_owned()))
        };
        pairs.map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// Pairs that are headers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Headers(pub(super) HeaderMap);

impl FromStr for Headers {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let Attributes(pairs) = text.parse()?;
        let mut headers = HeaderMap::new();
        for KeyValue { key, value, .. } in pairs {
            let name = HeaderName::from_str(key.as_str()).map_err(|_| InvalidValue)?;
            let mut value = HeaderValue::from_str(&value.as_str()).map_err(|_| InvalidValue)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self(headers))
    }
}

#[cfg(test)]
mod tests;
