#!/usr/bin/env bash
# Runs a command in a network of its own. A browser ends all that it loads when a network of the machine
# comes or goes, as they do whenever Docker makes one. Where no network may be made, the command runs
# without it.
set -euo pipefail
# A pair of devices that are connected to each other: with loopback alone a browser says that it is offline.
readonly setup='ip link set lo up
    ip link add lan type veth peer name far
    ip address add 192.0.2.1/24 dev lan
    ip link set lan up
    ip link set far up
    exec "$@"'
user=()
[ "$(id -u)" = 0 ] || user=(--map-root-user)
alone=(unshare "${user[@]}" --net bash -ec "$setup" own_network)
if "${alone[@]}" true 2>/dev/null; then exec "${alone[@]}" "$@"; fi
exec "$@"
