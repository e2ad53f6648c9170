#!/bin/sh
# Starts Mosquitto with two doors: the inside one, anonymous, for the network of docker-compose.yml,
# and the outside one (MQTT and WebSocket), for those whom `usuario` has added. What both share is in
# mosquitto.conf.
#
# Outside Docker the environment says where things are: BROKER_USERS, BROKER_RUN, BROKER_DATA,
# BROKER_LOG, BROKER_INSIDE, BROKER_OUTSIDE, BROKER_WEBSOCKET (each `PORT [ADDRESS]`).
set -eu
# shellcheck source=mosquitto/users.sh
. "${0%/*}/users.sh"

SHARED=${0%/*}/mosquitto.conf
DATA=${BROKER_DATA:-/mosquitto/data}
LOG=${BROKER_LOG:-/mosquitto/log}
OUTSIDE=${BROKER_OUTSIDE:-1884}
WEBSOCKET=${BROKER_WEBSOCKET:-9001}

say() { printf '%s: %s\n' "$(date +%Y-%m-%dT%H:%M:%S)" "$*" >&2; }
die() {
    say "Error: $*"
    exit 1
}

# What mosquitto.conf may not say, because it is said here.
check_shared() {
    [ -r "$SHARED" ] || die "$SHARED cannot be read"
    faults=$(awk -v ports=" ${INSIDE%% *} ${OUTSIDE%% *} ${WEBSOCKET%% *} " '
        $1 == "listener" && index(ports, " " $2 " ") {
            print "line " FNR ": remove `listener " $2 "`, which start.sh opens"
        }
        $1 == "per_listener_settings" || $1 == "port" || $1 == "bind_address" {
            print "line " FNR ": remove `" $1 "`, start.sh opens the listeners"
        }' "$SHARED")
    [ -z "$faults" ] || die "mosquitto.conf, $faults"

    # Of a further listener, its own lines decide who may connect.
    awk '$1 == "listener" {
            print "mosquitto.conf, line " FNR ": listener " $2 " is a door of yours; its lines decide who enters"
            own = 1
        }
        !own && $1 ~ /^(allow_anonymous|password_file|acl_file|psk_file|plugin|auth_plugin)$/ {
            print "mosquitto.conf, line " FNR ": " $1 " has no effect here: each door has its own"
        }' "$SHARED" | while IFS= read -r line; do say "Warning: $line"; done
}

# Mosquitto has this limit for each listener only; in mosquitto.conf, before any listener, it is that
# of the two outside ones.
max_connections() {
    awk '$1 == "listener" { exit } $1 == "max_connections" { limit = $2 } END { print limit }' "$SHARED"
}

shared() {
    awk '$1 == "listener" { own = 1 } !own && $1 == "max_connections" { next } { print }' "$SHARED"
}

known_by_name() {
    cat <<CONF
allow_anonymous false
password_file $RUN/passwords
acl_file $RUN/acl
use_username_as_clientid true
CONF
}

outside() {
    limit=$(max_connections)
    [ -z "$limit" ] || printf 'max_connections %s\n' "$limit"
    if [ "$1" = open ]; then printf 'allow_anonymous true\n'; else known_by_name; fi
    ! has_certificate || cat <<CONF
certfile $RUN/broker.crt
keyfile $RUN/broker.key
tls_version tlsv1.2
CONF
}

configuration() {
    cat <<CONF
# Written by start.sh at each start, from mosquitto.conf.
per_listener_settings true

$(shared)

listener $INSIDE
protocol mqtt
allow_anonymous true

listener $OUTSIDE
protocol mqtt
$(outside "$1")

listener $WEBSOCKET
protocol websockets
$(outside "$1")

# Where usuario logs in to see that a change is in force.
listener 0 $PROBE_SOCKET
$(known_by_name)
CONF
}

lock || die "$USERS and $RUN must be writable"
# One that a program before this one left.
rm -rf "$RUN/pid" "$RUN/broker.crt" "$RUN/broker.key" "$RUN/socket"
mkdir "$RUN/socket"

case ${BROKER_ABERTO:-} in
"" | nao | "não") access=closed ;;
sim) access=open ;;
*) die "BROKER_ABERTO is '$BROKER_ABERTO'; it should be sim, or nothing" ;;
esac
check_shared

for line in $(read_users faults); do
    say "Warning: line $line of $USERS_FILE is no user, and is ignored; usuario adds one"
done
write_users_for_broker || die "$RUN cannot be written"

if has_certificate; then
    has_both || die "$CERTIFICATE and $KEY belong together, and one cannot be read"
    ! grep -q ENCRYPTED "$KEY" || die "$KEY is encrypted; remove its pass phrase: openssl pkey -in broker.key"
    copy_certificate || die "$RUN cannot be written"
else
    say "Warning: the outside door is not encrypted: there is no certs/broker.crt. Passwords and messages can be read on the way"
fi
[ "$access" = closed ] ||
    say "Warning: BROKER_ABERTO=sim: everyone who reaches the outside door may publish and read everything"

configuration "$access" >"$RUN/mosquitto.conf"
give_to_broker "$RUN/mosquitto.conf" "$RUN/socket"
for folder in "$DATA" "$LOG"; do
    [ ! -d "$folder" ] || give_to_broker -R "$folder"
done
# Mosquitto reaches its files as the user mosquitto.
chmod 711 "$RUN"
printf '%s\n' $$ >"$RUN/pid"
unlock
# A SIGHUP that comes before Mosquitto is ready for it must not end it.
trap '' HUP
exec mosquitto -c "$RUN/mosquitto.conf"
