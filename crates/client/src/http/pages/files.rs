//! The files that only the pages for drivers load.

use service::Asset;

/// `sw.js` has a route of its own.
pub(super) const FILES: &[Asset] = service::assets![
    "actions.js",
    "battery.js",
    "car.js",
    "cards.js",
    "confirm.js",
    "device.js",
    "drivers.css",
    "error.js",
    "estimate.js",
    "filters.js",
    "follow.js",
    "forms.js",
    "icon.svg",
    "kept.js",
    "links.js",
    "list.js",
    "live.js",
    "map.css",
    "map.js",
    "map_choice.js",
    "map_gestures.js",
    "map_tiles.js",
    "messages.js",
    "mine.js",
    "mine_item.js",
    "mine_lost.js",
    "notices.js",
    "offline.js",
    "period.js",
    "position.js",
    "posto.js",
    "posto_of_reserva.js",
    "posto_view.js",
    "postos.js",
    "projection.js",
    "reserva.js",
    "reserve.js",
    "status.js",
    "tokens.js",
    "unanswered.js",
    "worker.js",
    "zone.js",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_is_built_in() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/pages"));
        let entries = folder.expect("the folder").map(|entry| entry.expect("an entry"));
        let files = entries.filter(|entry| entry.path().is_file());
        let names = files.map(|file| file.file_name().into_string().expect("a text"));
        let is_loaded = |name: &String| {
            [".css", ".js", ".svg"].iter().any(|end| name.ends_with(end)) && name != "sw.js"
        };
        let expected: BTreeSet<_> = names.filter(is_loaded).collect();
        let built_in: BTreeSet<_> = FILES.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(built_in, expected);
    }
}
