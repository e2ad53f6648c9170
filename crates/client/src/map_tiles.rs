//! The map pictures that an operator may set.

use std::str::FromStr;

use service::{InvalidValue, WebOrigin};

/// Where the pictures of the map come from, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTiles {
    url: TileUrl,
    credit: String,
}

/// An address with the names `{z}`, `{x}` and `{y}` in its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TileUrl {
    url: String,
    /// How much of it is the origin.
    origin: usize,
}

impl MapTiles {
    /// `None` without an address.
    pub(crate) fn of(url: Option<TileUrl>, credit: String) -> Option<Self> {
        url.map(|url| Self { url, credit })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url.url
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        &self.url.url[..self.url.origin]
    }

    pub(crate) fn credit(&self) -> &str {
        &self.credit
    }
}

impl FromStr for TileUrl {
    type Err = InvalidValue;

    fn from_str(url: &str) -> Result<Self, InvalidValue> {
        let (origin, path) = WebOrigin::of_url(url)?;
        let is_right = origin.is_http()
            && path.bytes().all(|byte| byte.is_ascii_graphic())
            && ["{z}", "{x}", "{y}"].iter().all(|name| path.contains(name));
        let url = format!("{origin}{path}");
        if is_right { Ok(Self { url, origin: origin.as_str().len() }) } else { Err(InvalidValue) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_tiles_names_what_is_filled_in() {
        for (url, origin) in [
            ("https://tile.example.com/{z}/{x}/{y}.png", "https://tile.example.com"),
            ("http://10.0.0.7:8080/t?z={z}&x={x}&y={y}", "http://10.0.0.7:8080"),
            ("http://[::1]/{z}/{y}/{x}", "http://[::1]"),
        ] {
            let tiles = MapTiles::of(url.parse().ok(), String::new()).expect(url);
            assert_eq!((tiles.origin(), tiles.url()), (origin, url));
        }
        let url = "HTTPS://Tile.example.com:443/{z}/{x}/{y}.PNG";
        let tiles = MapTiles::of(url.parse().ok(), String::new()).expect(url);
        assert_eq!(tiles.url(), "https://tile.example.com/{z}/{x}/{y}.PNG");
        for url in [
            "",
            "tile.example.com/{z}/{x}/{y}.png",
            "ftp://tile.example.com/{z}/{x}/{y}.png",
            "https://tile.example.com/{z}/{x}.png",
            "https://{z}{x}{y}/",
            "https://{s}.example.com/{z}/{x}/{y}.png",
            "https://user@example.com/{z}/{x}/{y}.png",
            "https://a;b/{z}/{x}/{y}",
            "https://a/{z}/{x}/{y} b",
            "https:///{z}/{x}/{y}",
            "https://tile.example.com:99999/{z}/{x}/{y}.png",
            "https://a:b:c/{z}/{x}/{y}",
            "http://[::1/{z}/{x}/{y}",
            "https://a/{z}/{x}/{y}é",
        ] {
            assert_eq!(url.parse::<TileUrl>(), Err(InvalidValue), "{url}");
        }
    }
}
