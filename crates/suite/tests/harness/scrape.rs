//! What a program answers to Prometheus, read strictly.

use std::collections::{BTreeMap, BTreeSet};

use super::{Program, eventually};

/// The labels of a series, by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// The answer to one scrape.
#[derive(Debug, Default)]
pub(crate) struct Scrape {
    /// The type of each family.
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) series: BTreeMap<(String, Labels), f64>,
}

impl Scrape {
    /// Reads the text format 0.0.4 as strictly as its description is written: each family has one
    /// HELP and one TYPE, its samples follow at once, and no series comes twice.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let (mut scrape, mut helps, mut family) = (Self::default(), BTreeSet::new(), String::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a name and a text");
                assert!(!help.trim().is_empty() && helps.insert(name.to_owned()), "{line}");
                name.clone_into(&mut family);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a type");
                assert!(name == family && is_name(name), "{line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let before = scrape.types.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{line}");
            } else {
                let (series, value) = line.rsplit_once(' ').expect("a series and a value");
                let (name, labels) = read_series(series);
                let suffix = name.strip_prefix(family.as_str()).unwrap_or("?");
                let is_histogram = scrape.types.get(&family).is_some_and(|is| is == "histogram");
                let of_histogram = ["_bucket", "_sum", "_count"].contains(&suffix);
                assert!(
                    suffix.is_empty() != is_histogram && is_histogram == of_histogram,
                    "{line}"
                );
                let value = value.parse().expect("a number");
                assert_eq!(scrape.series.insert((name, labels), value), None, "{line}");
            }
        }
        scrape.check_histograms();
        scrape
    }

    fn check_histograms(&self) {
        for family in
            self.types.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name)
        {
            let mut of_labels: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
            for ((name, labels), value) in &self.series {
                if *name == format!("{family}_bucket") {
                    let mut labels = labels.clone();
                    let le = labels.remove("le").expect("le").parse().expect("a number");
                    of_labels.entry(labels).or_default().push((le, *value));
                }
            }
            for (labels, mut buckets) in of_labels {
                buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
                assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{family} {buckets:?}");
                let (last, all) = buckets.pop().expect("a bucket");
                assert_eq!(last, f64::INFINITY, "{family}");
                let count = self.series.get(&(format!("{family}_count"), labels));
                assert_eq!(count, Some(&all), "{family}");
            }
        }
    }

    /// The sum of the series of this name that have these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let is_meant = |(of, found): &(String, Labels)| {
            let has = |(label, value): &(&str, &str)| {
                found.get(*label).map_or("", String::as_str) == *value
            };
            of == name && labels.iter().all(has)
        };
        self.series
            .iter()
            .filter(|(series, _)| is_meant(series))
            .map(|(_, value)| value)
            .fold(0.0, |sum, value| sum + value)
    }
}

fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    name.starts_with(is_letter) && name.chars().all(|one| is_letter(one) || one.is_ascii_digit())
}

fn read_series(text: &str) -> (String, Labels) {
    let Some((name, rest)) = text.split_once('{') else { return (text.to_owned(), Labels::new()) };
    let mut rest = rest.strip_suffix('}').expect("}");
    let mut labels = Labels::new();
    while !rest.is_empty() {
        let (label, value) = rest.split_once("=\"").expect("a label");
        assert!(is_name(label), "{text}");
        let (mut end, mut is_escaped) = (None, false);
        for (index, letter) in value.char_indices() {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => {
                    end = Some(index);
                    break;
                }
                _ => {}
            }
        }
        let (value, after) = value.split_at(end.expect("an end"));
        assert_eq!(labels.insert(label.to_owned(), value.to_owned()), None, "{text}");
        rest = &after[1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    (name.to_owned(), labels)
}

impl Program {
    /// Where the program answers `/metrics`, as it says in its log.
    pub(crate) fn metrics_addr(&self) -> String {
        let lines = self.log_lines();
        let line = lines.iter().find(|line| line["message"] == "metrics are answered");
        line.expect("METRICS_ADDR is set")["addr"].as_str().expect("an address").to_owned()
    }

    pub(crate) fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.metrics_addr())
    }

    pub(crate) async fn scrape(&self) -> Scrape {
        let answer = reqwest::get(self.metrics_url()).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let content_type = answer.headers()["content-type"].to_str().expect("a text").to_owned();
        assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
        Scrape::read(&answer.text().await.expect("a text"))
    }

    /// Waits until the series of this name with these labels have this sum.
    pub(crate) async fn counts(&self, name: &str, labels: &[(&str, &str)], expected: f64) {
        eventually(&format!("{name} {labels:?} is {expected}"), async || {
            self.scrape().await.value(name, labels) == expected
        })
        .await;
    }
}
