//! The language of a page.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

/// A language that the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Portuguese,
    English,
}

impl Language {
    /// English if the caller prefers it to Portuguese, by `Accept-Language`: a higher weight, or the
    /// same and named before.
    pub fn of(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|list| list.to_str().ok());
        let ranges: Vec<_> = lists.flat_map(|list| list.split(',')).map(Range::read).collect();
        match (preference(&ranges, "en"), preference(&ranges, "pt")) {
            (Some(english), Some(portuguese)) if english > portuguese => Self::English,
            (Some(_), None) => Self::English,
            _ => Self::Portuguese,
        }
    }

    /// For the attribute `lang`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Portuguese => "pt-BR",
            Self::English => "en",
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// An item of `Accept-Language`.
struct Range<'a> {
    /// Without its region.
    language: &'a str,
    /// In thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn read(item: &'a str) -> Self {
        let (range, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix(['q', 'Q']);
        let weight = weight.and_then(|rest| rest.trim_start().strip_prefix('='));
        let weight = weight.map_or(Some(1000), |text| thousandths(text.trim()));
        // An item that is written wrong counts for nothing.
        let weight = weight.unwrap_or_default();
        let range = range.trim();
        Self { language: range.split('-').next().unwrap_or(range), weight }
    }
}

/// A weight from `0` to `1`, with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

/// How much a language is preferred: its weight, then how early it is named. `None` if not at all.
fn preference(ranges: &[Range<'_>], language: &str) -> Option<(u16, std::cmp::Reverse<usize>)> {
    let named = |name: &str| {
        let items = ranges.iter().enumerate();
        items
            .filter(|(_, range)| range.language.eq_ignore_ascii_case(name))
            .map(preference_of)
            .max()
    };
    named(language).or_else(|| named("*")).filter(|(weight, _)| *weight > 0)
}

fn preference_of((place, range): (usize, &Range<'_>)) -> (u16, std::cmp::Reverse<usize>) {
    (range.weight, std::cmp::Reverse(place))
}

#[cfg(test)]
mod tests {
    use super::Language::{English, Portuguese};
    use super::*;

    #[test]
    fn english_is_for_those_who_prefer_it() {
        for (lists, language) in [
            (&[][..], Portuguese),
            (&[""], Portuguese),
            (&["pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7"], Portuguese),
            (&["en-US,en;q=0.5"], English),
            (&["en"], English),
            (&["EN-gb"], English),
            (&["en-US,en;q=0.9,pt-BR;q=0.8"], English),
            (&["pt;q=0.8, en;q=0.9"], English),
            (&["fr, en;q=0.8"], English),
            (&["fr, de;q=0.8"], Portuguese),
            (&["fr", "en;q=0.1"], English),
            (&["en, pt"], English),
            (&["pt, en"], Portuguese),
            (&["*"], Portuguese),
            (&["en, *;q=0.5"], English),
            (&["en;q=0.5, *;q=0.8"], Portuguese),
            (&["en;q=0"], Portuguese),
            (&["en;q=0, pt;q=0"], Portuguese),
            (&["pt;q=0, en;q=0.001"], English),
            (&["en;q=2, pt;q=0.1"], Portuguese),
            (&["en;q=x"], Portuguese),
            (&["en;q=0.1234"], Portuguese),
            (&["en ; q = 1.000 , pt;q=0.999"], English),
            (&["english"], Portuguese),
        ] {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(ACCEPT_LANGUAGE, list.parse().expect("a header"));
            }
            assert_eq!(Language::of(&headers), language, "{lists:?}");
        }
    }
}
