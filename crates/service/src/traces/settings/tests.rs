use super::*;

const NAME: Setting = Setting { default: Some("postos-server"), ..OTEL_SERVICE_NAME };

fn read(set: &[(&str, &str)]) -> Result<Option<TraceSettings>, ConfigError> {
    let find = |name: &str| set.iter().find(|(known, _)| *known == name);
    TraceSettings::from_lookup(NAME, &|name| find(name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn traces_are_off_without_an_endpoint() {
    assert_eq!(read(&[]), Ok(None));
    assert_eq!(read(&[("OTEL_TRACES_SAMPLER", "always_on")]), Ok(None));
    assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "  ")]), Ok(None));
}

#[test]
fn traces_are_switched_off_whatever_else_is_set() {
    for (set, is_on) in [
        (("OTEL_SDK_DISABLED", "true"), false),
        (("OTEL_SDK_DISABLED", "True"), false),
        (("OTEL_SDK_DISABLED", "false"), true),
        (("OTEL_SDK_DISABLED", ""), true),
        (("OTEL_TRACES_EXPORTER", "none"), false),
        (("OTEL_TRACES_EXPORTER", "otlp"), true),
        (("OTEL_TRACES_EXPORTER", "zipkin, otlp"), true),
        (("OTEL_TRACES_EXPORTER", "OTLP"), true),
        (("OTEL_TRACES_EXPORTER", "otlp_proto_http"), true),
        (("OTEL_TRACES_EXPORTER", "console"), false),
        (("OTEL_TRACES_EXPORTER", "experimental-otlp/stdout"), false),
        (("OTEL_TRACES_EXPORTER", " "), true),
    ] {
        let traces = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), set]);
        assert_eq!(traces.map(|traces| traces.is_some()), Ok(is_on), "{set:?}");
        // What is malformed is found before it is switched on.
        let malformed = [("OTEL_EXPORTER_OTLP_ENDPOINT", "c"), set];
        assert!(read(&malformed).is_err(), "{set:?}");
    }
}

#[test]
fn the_endpoint_of_traces_is_below_that_of_the_collector_or_is_given_whole() {
    let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let whole = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    for (set, expected) in [
        (&[(base, "http://c:4318")][..], "http://c:4318/v1/traces"),
        (&[(base, "https://c/otlp/")], "https://c/otlp/v1/traces"),
        (&[(whole, "http://c:1/x")], "http://c:1/x"),
        (&[(whole, "HTTP://Coletor:04318/X")], "http://coletor:4318/X"),
        (&[(base, "http://[::1]:4318")], "http://[::1]:4318/v1/traces"),
        (&[(base, "http://c:4318"), (whole, "http://d/x")], "http://d/x"),
    ] {
        let settings = read(set).expect("settings").expect("traces are on");
        assert_eq!(settings.endpoint.as_str(), expected);
        assert_eq!(settings.service_name, "postos-server");
    }
}

#[test]
fn a_malformed_value_ends_the_start_with_one_line() {
    for (name, values) in [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            &[
                "localhost:4318",
                "ftp://c",
                "http://",
                "c",
                "http://u:p@c",
                "http://c?a=b",
                "http://c/x?a=b",
                "http://c/x#y",
                "http://c/a b",
                "http://collector:43180000",
                "http://collector:x",
                "http://[::1",
            ][..],
        ),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &["/v1/traces", "http://collector:x/v1/traces"]),
        ("OTEL_SDK_DISABLED", &["1", "sim", "yes"]),
        ("OTEL_TRACES_EXPORTER", &["otlp,none", "otlp,", "http://a", "otlp console"]),
        ("OTEL_TRACES_SAMPLER", &["sometimes", "parentbased_", "xray"]),
        ("OTEL_TRACES_SAMPLER_ARG", &["2", "-0.1", "NaN", "a"]),
        ("OTEL_RESOURCE_ATTRIBUTES", &["a", "=b", "a=%FF", "a=b,c"]),
        ("OTEL_BSP_SCHEDULE_DELAY", &["0", "5s", "-1", "1.5", "3600001"]),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", &["0", "all", "8193"]),
    ] {
        for value in values {
            let error = read(&[(name, value)]).expect_err(value).to_string();
            assert!(error.starts_with(&format!("{name} is {value:?}; it should be ")), "{error}");
        }
    }
}

#[test]
fn headers_are_pairs_and_no_error_shows_them() {
    for name in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
        for value in [
            "Authorization Bearer secret",
            "Authorization: Bearer secret=",
            "a=b,secret",
            "=secret",
            "api key=secret",
            "a=secret%0A",
        ] {
            let error = read(&[(name, value)]).expect_err(value).to_string();
            assert!(error.contains(name) && error.contains("pairs"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(read(&[(name, "api-key=k%20y, b=")]), Ok(None));
    }
}

#[test]
fn headers_of_traces_take_the_place_of_the_others_if_there_are_any() {
    let key = |of_traces: &str| {
        let set = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=general"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", of_traces),
        ];
        let headers = read(&set).expect("settings").expect("on").headers.0;
        headers["api-key"].to_str().expect("a text").to_owned()
    };
    assert_eq!((key("").as_str(), key(" ").as_str()), ("general", "general"));
    assert_eq!(key("api-key=of%20traces"), "of traces");
}

#[test]
fn batches_are_as_they_are_set() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    let batches = |set: &[(&str, &str)]| {
        let set = [&[endpoint], set].concat();
        let Batches { delay, size } = read(&set).expect("settings").expect("on").batches;
        (delay.as_millis(), size)
    };
    assert_eq!(batches(&[]), (5000, 512));
    let set = [("OTEL_BSP_SCHEDULE_DELAY", "20"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")];
    assert_eq!(batches(&set), (20, 1));
}

#[test]
fn attributes_are_pairs() {
    let read = |text: &str| text.parse::<Attributes>().map(|attributes| attributes.0);
    assert_eq!(read(""), Ok(Vec::new()));
    let expected = vec![KeyValue::new("a", "b c"), KeyValue::new("d", "")];
    assert_eq!(read(" a = b%20c , d=,"), Ok(expected));
}
