# shellcheck shell=sh
# shellcheck disable=SC2034,SC2119,SC2120 # start.sh and usuario use the variables and pass arguments.
# What start.sh and usuario share: where files are, the rights of each role, and what Mosquitto reads
# of both. POSIX sh, for busybox.

LC_ALL=C
export LC_ALL
umask 077

# Who may use the outside door: a line `NAME:HASH` for each, as mosquitto_passwd writes them.
USERS=${BROKER_USERS:-/usuarios}
USERS_FILE=$USERS/senhas
# What Mosquitto reads is written here. It is gone with the container, and the users are not.
RUN=${BROKER_RUN:-/run/broker}
WORK=$RUN/work
# The inside door, as `PORT [ADDRESS]`.
INSIDE=${BROKER_INSIDE:-1883}
PROBE_SOCKET=$RUN/socket/probe
CERTIFICATE=${0%/*}/certs/broker.crt
KEY=${0%/*}/certs/broker.key

# The table of docs/security.md. An outside user may do this and nothing else; `<id>` is what comes
# after the role in the user's name, and a carregador is named `<servidor>.<posto>`.
rights() {
    cat <<'TABLE'
gateway,app write server/postos/request
gateway,app write server/postos/estimativa
gateway,app write server/postos/reserva
gateway,app write server/postos/reserva/+
gateway,app write server/+/postos/request
gateway,app write server/+/postos/estimativa
gateway,app write server/+/postos/reserva
gateway,app write server/+/postos/reserva/+
gateway,app read client/<id>/#
gateway,app read server/+/status
gateway,app read pontos/+/status
gateway,app read reservas/+/status
servidor write client/+/#
servidor write server/<id>/status
servidor write pontos/+/status
servidor write reservas/+/status
servidor read server/postos/request
servidor read server/postos/estimativa
servidor read server/postos/reserva
servidor read server/postos/reserva/+
servidor read server/<id>/#
servidor read carros/+/+
servidor read pontos/+/disponibilidade
carro write server/+/carros/<id>/#
carro write carros/<id>/#
carregador write server/<servidor>/pontos/<posto>/disponibilidade
TABLE
}

# read_users names|passwords|acl|faults: the users' file as one of these. Lines that are no user are
# left out, because Mosquitto would not read the others either; `faults` are their numbers.
read_users() {
    [ -e "$USERS_FILE" ] || return 0
    rights | awk -v what="$1" '
        function is_id(text) {
            return text != "" && length(text) <= 64 && text !~ /[^A-Za-z0-9_-]/
        }
        function is_servidor(text) { return is_id(text) && text != "postos" }
        function is_posto(text) { return text ~ /^[1-9][0-9]*$/ && length(text) <= 18 }
        function is_name(dot) {
            if (role == "gateway" || role == "app") return is_id(id)
            if (role == "servidor") return is_servidor(id)
            if (role == "carro") return length(id) >= 5 && length(id) <= 8 && id !~ /[^A-Z0-9]/
            if (role != "carregador") return 0
            dot = index(id, ".")
            servidor = substr(id, 1, dot - 1)
            posto = substr(id, dot + 1)
            return dot && is_servidor(servidor) && is_posto(posto)
        }
        FNR == NR {
            right[FNR] = $0
            lines = FNR
            next
        }
        {
            name = substr($0, 1, index($0, ":") - 1)
            hash = substr($0, length(name) + 2)
            role = substr(name, 1, index(name, ".") - 1)
            id = substr(name, length(role) + 2)
            if (!is_name() || hash !~ /^[$][67][$]([0-9]+[$])?[A-Za-z0-9+\/=]+[$][A-Za-z0-9+\/=]+$/ || name in seen) {
                if (what == "faults") print FNR
                next
            }
            seen[name] = 1
            if (what == "names") print name
            if (what == "passwords") print
            if (what != "acl") next
            print "user " name
            for (i = 1; i <= lines; i++) {
                split(right[i], part, " ")
                if (index("," part[1] ",", "," role ",") == 0) continue
                topic = part[3]
                gsub(/<id>/, id, topic)
                gsub(/<servidor>/, servidor, topic)
                gsub(/<posto>/, posto, topic)
                print "topic " part[2] " " topic
            }
        }' - "$USERS_FILE"
}

# give_to_broker FILE...: a broker that was started as root has become the user mosquitto.
give_to_broker() {
    [ "$(id -u)" = 0 ] || return 0
    chown mosquitto: "$@"
}

# write_users_for_broker [FILE]: passwords and rights, with the lines of FILE as further passwords.
# The first lines of an ACL are for connections without a name: those of the inside door.
write_users_for_broker() {
    { printf 'topic readwrite #\ntopic read $SYS/#\n' && read_users acl; } >"$WORK/acl" &&
        { read_users passwords && cat "${1:-/dev/null}"; } >"$WORK/passwords" &&
        give_to_broker "$WORK/passwords" "$WORK/acl" || return
    # Each file is whole at any moment; between the two, nobody has a right that is in neither.
    mv "$WORK/acl" "$RUN/acl" && mv "$WORK/passwords" "$RUN/passwords"
}

# A link that leads nowhere is a certificate that cannot be read, and not one that is not there.
has_certificate() {
    certs=${CERTIFICATE%/*}
    if [ -L "$certs" ] && [ ! -d "$certs" ]; then return 0; fi
    for file in "$CERTIFICATE" "$KEY"; do
        if [ -e "$file" ] || [ -L "$file" ]; then return 0; fi
    done
    return 1
}
has_both() { [ -r "$CERTIFICATE" ] && [ -r "$KEY" ]; }

# The key belongs to root on the host, so Mosquitto gets copies.
copy_certificate() {
    cat "$CERTIFICATE" >"$WORK/broker.crt" && cat "$KEY" >"$WORK/broker.key" &&
        give_to_broker "$WORK/broker.crt" "$WORK/broker.key" &&
        mv "$WORK/broker.key" "$RUN/broker.key" && mv "$WORK/broker.crt" "$RUN/broker.crt"
}

# At most one program works on these files. The kernel unlocks when the program ends, however it ends.
lock() {
    mkdir -p "$USERS" "$RUN" && exec 9>"$RUN/lock" 8>"$USERS/.lock" || return
    if ! flock -n 9; then
        [ $# = 0 ] || printf '%s\n' "$1" >&2
        flock 9 || return
    fi
    # Against programs in other containers. Folders of a host that is no Linux have no locks, or locks
    # that keep nobody out.
    flock 8 2>/dev/null || true
    # A killed one may have left files.
    rm -rf "$WORK" && mkdir "$WORK"
}

unlock() {
    rm -rf "$WORK"
    exec 8>&- 9>&-
}
