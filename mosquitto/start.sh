#!/bin/sh
# Starts Mosquitto with two listeners: the inside one, anonymous, for the network of docker-compose.yml,
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
# Mosquitto's own name for it.
DATABASE=$DATA/mosquitto.db
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
        $1 ~ /^(allow_anonymous|password_file|acl_file|per_listener_settings|port|bind_address)$/ {
            print "line " FNR ": remove `" $1 "`; start.sh says who may enter, and where"
        }' "$SHARED")
    [ -z "$faults" ] || die "mosquitto.conf, $faults"
    awk '$1 == "listener" {
            print "mosquitto.conf, line " FNR ": listener " $2 " is your own, beside those that start.sh opens"
        }' "$SHARED" | while IFS= read -r line; do say "$line"; done
}

# Mosquitto has this limit for each listener only; in mosquitto.conf, before any listener, it is that
# of the two outside ones.
max_connections() {
    awk '$1 == "listener" { exit } $1 == "max_connections" { limit = $2 } END { print limit }' "$SHARED"
}

# A listener refuses who has no name if it binds client ids to names. Further listeners do so, too,
# unless their own lines say otherwise.
readonly NAMES_ONLY='use_username_as_clientid true'

shared() {
    awk -v names_only="$NAMES_ONLY" '
        !own && $1 == "max_connections" { next }
        { print }
        $1 == "listener" { own = 1; print names_only }' "$SHARED"
}

outside() {
    limit=$(max_connections)
    [ -z "$limit" ] || printf 'max_connections %s\n' "$limit"
    [ "$1" = open ] || printf '%s\n' "$NAMES_ONLY"
    ! has_certificate || cat <<CONF
certfile $RUN/broker.crt
keyfile $RUN/broker.key
tls_version tlsv1.2
CONF
}

configuration() {
    printf '# Written by start.sh at each start, from mosquitto.conf.\n'
    # Without names the inside door may do everything, by the ACL's first lines.
    printf 'allow_anonymous true\n'
    [ "$1" = open ] || printf 'password_file %s\nacl_file %s\n' "$RUN/passwords" "$RUN/acl"
    cat <<CONF

$(shared)

listener $INSIDE
protocol mqtt

listener $OUTSIDE
protocol mqtt
$(outside "$1")

listener $WEBSOCKET
protocol websockets
$(outside "$1")

# Where usuario logs in to see that a change is in force.
listener 0 $PROBE_SOCKET
$NAMES_ONLY
CONF
}

# What mosquitto.db begins with, 00 B5 00 and `mosquitto db`, in digits, because no variable holds NUL.
readonly MAGIC=00b5006d6f7371756974746f206462

# After a power failure the file may be all NUL, and Mosquitto would never start with it again. It
# starts with an empty one, and says itself what is wrong with one that cannot be read.
move_damaged_database() {
    [ -s "$DATABASE" ] || return 0
    begin=$(od -An -v -tx1 -N15 "$DATABASE" | tr -d ' \n')
    case $begin in "" | "$MAGIC") return 0 ;; esac
    kept=$DATABASE.danificado-$(date +%Y%m%dT%H%M%S)
    mv "$DATABASE" "$kept" || die "$DATABASE is damaged, and cannot be moved"
    say "Warning: $DATABASE is damaged, and is now $kept. Retained messages, sessions and what waited for clients are lost; the rest goes on"
}

# Whether a user is in the database who may have a session that waits for long. Carros and carregadores
# read nothing, and the session of a gateway lasts a minute.
keeps_named_session() {
    names=$(read_users names | grep -E '^(servidor|app)[.]') || return
    # busybox's grep reads no further than to a NUL.
    tr '\000' '\n' <"$DATABASE" | grep -qF -e "$names"
}

# Whether SIGHUP would have Mosquitto use freed memory: 2.0.15 to 2.0.22 then put a session that was
# restored, and has a name, twice into the list of those that expire. Users who were removed since count.
sighup_corrupts_sessions() {
    case $(mosquitto -h || true) in
    "mosquitto version 2.0.1"[5-9]* | "mosquitto version 2.0.2"[0-2]*) ;;
    *) return 1 ;;
    esac
    tr '\000' '\n' <"$DATABASE" | grep -qE '(gateway|servidor|app|carro|carregador)[.][A-Za-z0-9]'
}

# Whether Mosquitto, into which this shell turns, has its handler of SIGHUP, the lowest bit of the mask.
handles_hangup() {
    while read -r field mask _; do
        if [ "$field" = SigCgt: ]; then
            case $mask in *[13579bdf]) return 0 ;; *) return 1 ;; esac
        fi
    done <"/proc/$$/status"
    return 1
} 2>/dev/null

# From a database, Mosquitto gives rights to sessions with a user's name only: what is sent to one of the
# inside door is dropped until its program connects. At SIGHUP it gives them to sessions without a name,
# and takes them from those with one, whose password it does not know (docs/decisions/0125).
give_rights_to_sessions() {
    while [ -e "/proc/$$" ]; do
        if handles_hangup; then
            kill -HUP $$
            return
        fi
        sleep 0.05
    done
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
    has_both || die "$CERTIFICATE and $KEY belong together, and one cannot be read (a link must lead to a file in this folder)"
    ! grep -q ENCRYPTED "$KEY" || die "$KEY is encrypted; remove its pass phrase: openssl pkey -in broker.key"
    copy_certificate || die "$RUN cannot be written"
else
    say "Warning: the outside door is not encrypted: there is no certs/broker.crt. Passwords and messages can be read on the way"
fi
[ "$access" = closed ] ||
    say "Warning: BROKER_ABERTO=sim: everyone who reaches the outside door may publish and read everything"

move_damaged_database
restores=no
if [ "$access" = closed ] && [ -s "$DATABASE" ]; then
    if keeps_named_session; then
        say "Note: a servidor or app from outside is in the database, by a session or a retained message; what is sent to programs of the inside door that are away is lost until they connect again (docs/decisions/0125)"
    elif sighup_corrupts_sessions; then
        say "Note: this Mosquitto may crash at SIGHUP, and a user from outside is in the database; what is sent to programs of the inside door that are away is lost until they connect again. Use 2.0.23 or later (docs/decisions/0125)"
    else
        restores=yes
    fi
fi
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
# Its parent is not Mosquitto, which would never take note of its end.
[ "$restores" = no ] || (give_rights_to_sessions &)
exec mosquitto -c "$RUN/mosquitto.conf"
