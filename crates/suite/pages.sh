#!/usr/bin/env bash
# The pages of gateways and servidores: the unit tests of their modules, then each flow in Chromium
# against real programs, with Mosquitto. Arguments: names of flows (files of browser/pages/flows), all
# by default; or `screenshots` and a folder, which takes those of the docs (with faketime). One line for
# each check; the last one counts the failures. Pictures of what failed are in target/pages/failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly tools=$PWD/target/pages programs=$PWD/target/debug here=$PWD/crates/suite/browser/pages
export TOOLS=$tools PATH="$PATH:/usr/sbin"
export npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false
work=$(mktemp -d)
finish() {
    rm -rf "$tools/failed"
    if [ -d "$work/failed" ]; then mv "$work/failed" "$tools/failed"; fi
    rm -rf "$work"
}
trap finish EXIT

mkdir -p "$tools"
[ -e "$tools/npm-1" ] || {
    npm install --silent --prefix "$tools" --save-exact axe-core@4.14.1 playwright-core@1.65.1
    touch "$tools/npm-1"
}
cargo build --quiet

if [ "${1:-}" = screenshots ]; then
    node "$here/screenshots.mjs" "$programs" "$work" "$2"
    exit
fi
node --test --test-reporter=dot crates/*/pages/tests/*.test.mjs
crates/suite/own_network.sh node "$here/main.mjs" "$programs" "$work" "$@"
