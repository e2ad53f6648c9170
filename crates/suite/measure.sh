#!/usr/bin/env bash
# Measures start-up time and idle memory of the two programs, with Mosquitto on its own port.
# Prints a Markdown table: median of five starts, and resident memory after ten idle seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
readonly starts=5 idle_seconds=10 broker_port=${BROKER_PORT:-21883}
export PATH="$PATH:/usr/sbin" RUST_LOG=info
work=$(mktemp -d)
pids=()
finish() {
    kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

cargo build --release --quiet --package server --package client
programs=$PWD/target/release

printf 'listener %s 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n' "$broker_port" \
    >"$work/mosquitto.conf"
mosquitto -c "$work/mosquitto.conf" >/dev/null 2>&1 &
pids+=($!)
sleep 0.5

# The first 100 postos of data/server1.
mkdir -p "$work/data/server1"
head -n 101 data/server1/postos.csv >"$work/data/server1/postos.csv"

# start <program> <port>: prints the milliseconds until /readyz answers 200; pid in $work/pid.
start() {
    local begin end
    begin=$(date +%s%N)
    (cd "$work" && MQTT_PORT=$broker_port HTTP_ADDR=127.0.0.1:$2 SERVER_ID=server1 \
        MQTT_CLIENT_ID=cliente1 exec "$programs/$1" >/dev/null 2>&1) &
    echo $! >"$work/pid"
    until "$programs/$1" healthcheck 2>/dev/null; do sleep 0.002; done
    end=$(date +%s%N)
    echo $(((end - begin) / 1000000))
}

median() { sort -n | sed -n "$(((starts + 1) / 2))p"; }

# measure <program> <port>: prints a row of the table and leaves the program running.
measure() {
    local run
    export HTTP_ADDR=127.0.0.1:$2
    for run in $(seq "$starts"); do
        rm -f "$work"/data/*.db*
        start "$1" "$2" >>"$work/$1.ms"
        [ "$run" = "$starts" ] && break
        kill "$(cat "$work/pid")"
        while kill -0 "$(cat "$work/pid")" 2>/dev/null; do sleep 0.01; done
    done
    pids+=("$(cat "$work/pid")")
    sleep "$idle_seconds"
    printf '| %s | %s ms | %.1f MiB |\n' "$1" "$(median <"$work/$1.ms")" \
        "$(awk '/VmRSS/ {print $2 / 1024}' "/proc/$(cat "$work/pid")/status")"
}

echo '| program | start to ready (median of 5) | idle memory (resident) |'
echo '| --- | --- | --- |'
measure server 28000
measure client 28001
