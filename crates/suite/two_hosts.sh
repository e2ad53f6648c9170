#!/usr/bin/env bash
# Runs the README's section on two hosts, its commands as they stand, on two hosts made of network
# namespaces: operator B's servidor joins operator A's broker over TLS. The programs and Mosquitto are
# real; `docker-compose` and `cargo run` stand for what they would start. Needs root.
#
# With BIN=folder it takes the programs `server` and `client` from there, and builds none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PATH:/usr/sbin"
readonly root=$PWD
if [ -z "${BIN:-}" ]; then
    cargo build --locked
    BIN=$root/target/debug
fi
readonly BIN

work=$(mktemp -d /tmp/two-hosts-XXXXXX)
readonly a=hosta$$ b=hostb$$ name=broker.example.org address=10.77.13.1
pids=()
clean_up() {
    local host pid
    for pid in "${pids[@]}" $(cat "$work/a/run/pid" 2>/dev/null); do kill "$pid" 2>/dev/null || true; done
    for host in "$a" "$b"; do
        # A program outlives the shell that started it in the background.
        for pid in $(ip netns pids "$host" 2>/dev/null); do kill "$pid" 2>/dev/null || true; done
        ip netns del "$host" 2>/dev/null || true
        rm -rf "/etc/netns/$host"
    done
    rm -rf "$work"
}
trap clean_up EXIT

die() {
    printf 'FAIL %s\n' "$*"
    tail -n 20 "$work"/*.log
    exit 1
}
ok() { printf 'ok   %s\n' "$*"; }

# within <seconds> <what> <command…>
within() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || die "$what"
        sleep 0.2
    done
    ok "$what"
}

# --- The hosts -----------------------------------------------------------------------------------

on() { ip netns exec "$@"; }

make_hosts() {
    local host
    for host in "$a" "$b"; do
        ip netns add "$host"
        on "$host" ip link set lo up
        mkdir -p "/etc/netns/$host"
        printf '127.0.0.1 localhost\n%s %s\n' "$address" "$name" >"/etc/netns/$host/hosts"
    done
    ip link add "va$$" netns "$a" type veth peer name "vb$$" netns "$b"
    on "$a" ip address add "$address/24" dev "va$$"
    on "$a" ip link set "va$$" up
    on "$b" ip address add 10.77.13.2/24 dev "vb$$"
    on "$b" ip link set "vb$$" up
    # Mosquitto reads as the user mosquitto.
    chmod 755 "$work"
    mkdir -p "$work"/a/{users,data} "$work/b/data/server3"
    cp -r mosquitto "$work/a/mosquitto"
    sed -i "s#/mosquitto/data/#$work/a/data/#" "$work/a/mosquitto/mosquitto.conf"
    printf 'id,nome,latitude,longitude,status\n9,Posto de B,-23.5,-46.6,disponivel\n' >"$work/b/data/server3/postos.csv"
}

# What docker-compose publishes as 1883 is the outside door.
broker_environment() {
    export BROKER_USERS=$work/a/users BROKER_RUN=$work/a/run BROKER_DATA=$work/a/data BROKER_LOG=/nonexistent \
        BROKER_INSIDE="1883 127.0.0.1" BROKER_OUTSIDE="1883 $address" BROKER_WEBSOCKET="9001 $address"
}

start_broker() {
    if [ -s "$work/a/run/pid" ]; then
        kill "$(cat "$work/a/run/pid")"
        while kill -0 "$(cat "$work/a/run/pid")" 2>/dev/null; do sleep 0.05; done
    fi
    (broker_environment && exec ip netns exec "$a" mosquitto/start.sh 2>>"$work/broker.log") &
}

# The commands of Docker in the README, on host A.
docker-compose() {
    case $* in
    "restart broker") start_broker ;;
    "exec -T broker usuario "*) (broker_environment && on "$a" mosquitto/usuario "${@:5}") ;;
    *) die "docker-compose $*" ;;
    esac
}

cargo() {
    [ "$*" = "run --release --bin server" ] || die "cargo $*"
    HTTP_ADDR=127.0.0.1:8000 on "$b" "$BIN/server" >>"$work/server.log" 2>&1 &
    pids+=($!)
}

gateway() { on "$a" curl --silent --show-error --fail-with-body --max-time 10 "http://127.0.0.1:8001$1" "${@:2}"; }

sees() { gateway /servidores | grep -q "\"server_id\":\"server3\",\"status\":\"$1\""; }

reserves() {
    gateway /reservar --header 'Content-Type: application/json' --data '{"placa": "ABC1234",
        "modelo": "BYD Dolphin", "capacidade_bateria": 44.5, "nivel_bateria_atual": 22.3,
        "taxa_descarga": 0.19, "posto_id": 9, "server_id": "server3"}' | grep -q sucesso
}

# mqtt <host> <options…>: an MQTT client of its own, which publishes nothing.
mqtt() { timeout 5 ip netns exec "$1" mosquitto_pub -t x -n "${@:2}"; }
refused() { ! "$@" 2>/dev/null; }

# --- The story -----------------------------------------------------------------------------------

make_hosts
cd "$work/a"
docker-compose restart broker
within 10 "A's broker runs" on "$a" mosquitto_pub -h 127.0.0.1 -t x -n
# shellcheck disable=SC2015 # As in the README: one command after the other.
eval "$(python3 "$root/crates/suite/readme.py" host A)" || die "the commands for host A"
ok "the commands for host A: authority, certificate, user"
MQTT_CLIENT_ID=cliente1 MQTT_BROKER=127.0.0.1 HTTP_ADDR=127.0.0.1:8001 on "$a" "$BIN/client" >"$work/client.log" 2>&1 &
pids+=($!)
cp authority/ca.crt server3.secret "$work/b/"
cp authority/ca.crt "$work/ca.crt"

cd "$work/b"
eval "$(python3 "$root/crates/suite/readme.py" host B)"
cd "$work/a"
within 20 "A's gateway sees B's servidor online" sees online
within 10 "it lists the postos of B" gateway '/postos?server_id=server3'
reserves || die "a reserva at B through A's gateway"
ok "a reserva at B through A's gateway"
if [ -e "$work/a/data/server3.db" ] || [ ! -e "$work/b/data/server3.db" ]; then die "the database is B's"; fi
ok "the reserva is in B's database"

ca=(--cafile "$work/ca.crt" -h "$name" -p 1883)
app=(-u app.app1 -P "$(docker-compose exec -T broker usuario novo app app1)")
mqtt "$b" "${ca[@]}" "${app[@]}" || die "an app of B's does not enter"
refused mqtt "$b" "${ca[@]}" || die "B enters without a name"
refused mqtt "$b" "${ca[@]}" -u app.app1 -P wrong || die "B enters with a wrong password"
refused mqtt "$b" -h "$name" "${app[@]}" || die "B enters without TLS"
refused mqtt "$b" "${ca[@]}" -p 1884 || die "another port is open"
ok "an app of B's enters; nobody without a name, with a wrong password, without TLS"

# The README's last openssl command, for a renewal.
python3 "$root/crates/suite/readme.py" host A | sed -n '/^openssl x509/,/broker.crt$/p' >"$work/renew"
# shellcheck source=/dev/null
. "$work/renew" 2>/dev/null
docker-compose exec -T broker usuario recarregar
within 5 "the renewed certificate is in use" on "$b" bash -c \
    "openssl s_client -connect $name:1883 </dev/null 2>/dev/null | openssl x509 -fingerprint -noout |
        cmp -s - <(openssl x509 -fingerprint -noout -in '$work/a/mosquitto/certs/broker.crt')"
within 10 "B's servidor is online after it" sees online

docker-compose exec -T broker usuario senha servidor.server3 >server3.secret
within 10 "with another password B's servidor is out" sees offline
cp server3.secret "$work/b/"
within 40 "with the new file it is back, without a restart" sees online
docker-compose exec -T broker usuario remover servidor.server3
within 10 "removed, it is out" sees offline
within 20 "B's log says which variable to look at" grep -q MQTT_PASSWORD "$work/server.log"
printf 'two hosts: done\n'
