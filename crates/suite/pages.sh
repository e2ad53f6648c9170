#!/usr/bin/env bash
# The pages of gateways and servidores: the unit tests of their modules, then each flow in Chromium
# against real programs, with Mosquitto. Arguments: names of flows (files of browser/pages/flows), all
# by default. One line for each check; the last one counts the failures. Pictures of what failed are in
# target/pages/failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly tools=$PWD/target/pages
export TOOLS=$tools PATH="$PATH:/usr/sbin"
export npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false

mkdir -p "$tools"
[ -e "$tools/npm-1" ] || {
    npm install --silent --prefix "$tools" --save-exact axe-core@4.14.1 playwright-core@1.65.1
    touch "$tools/npm-1"
}
cargo build --quiet --package server --package client --bin server --bin client

node --test --test-reporter=dot crates/client/pages/tests/ crates/server/pages/tests/
rm -rf "$tools/failed"
work=$(mktemp -d)
finish() {
    if [ -d "$work/failed" ]; then mv "$work/failed" "$tools/failed"; fi
    rm -rf "$work"
}
trap finish EXIT
node crates/suite/browser/pages/main.mjs "$PWD/target/debug" "$work" "$@"
