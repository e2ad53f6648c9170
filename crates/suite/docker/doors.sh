# shellcheck shell=bash
# shellcheck disable=SC2154 # The variables are set in helpers.sh.
# The checks of run.sh on the broker's outside door: who enters, and what each may do, from this
# machine.

usuario() { compose exec -T broker usuario "$@"; }

# new_user <arguments of `usuario novo`>: keeps the secret in a file of the user's name.
new_user() {
    usuario novo "$@" >"$work/secret" 2>"$work/said" || { cat "$work/said" && return 1; }
    mkdir -p "$work/secrets"
    mv "$work/secret" "$work/secrets/$(sed -n 's/^usuario: \([^ ]*\) .*/\1/p' "$work/said" | tail -n 1)"
}

secret_of() { cat "$work/secrets/$1"; }

mqtt() { timeout 20 python3 "$here/mqtt_connect.py" "$@"; }

# presence <transport> <port> [user]: server1 is online.
presence() {
    local message
    if [ $# = 3 ]; then set -- "$1" "$2" "$3" "$(secret_of "$3")"; fi
    message=$(mqtt read "$1" "$2" server/server1/status "${@:3}") || return
    printf '%s\n' "$message"
    [[ $message == *'"online"'* ]]
}

# refuses <transport> <port> [user secret]: CONNECT is refused.
refuses() {
    local code=0
    mqtt read "$1" "$2" '#' "${@:3}" || code=$?
    [ "$code" = 3 ]
}

# publishes <code> <user> <topics>: all are acknowledged with this code.
publishes() {
    local topic code
    for topic in $3; do
        code=$(mqtt publish tcp 1883 "$topic" "$2" "$(secret_of "$2")") || return
        # 0x10: nobody has subscribed.
        [ "${code/0x10/0x0}" = "$1" ] || { printf '%s on %s: %s\n' "$2" "$topic" "$code" && return 1; }
    done
}

has_its_rights() {
    local user=$1 allowed=$2 denied=$3
    publishes 0x0 "$user" "$allowed" && publishes 0x87 "$user" "$denied"
}

# What one role may publish, the others may not.
check_rights() {
    local commands='server/postos/request server/server1/postos/reserva server/postos/reserva/consulta'
    local answers='client/cliente1/postos/response server/server9/status pontos/5/status'
    local others="server/server1/status server/postos/status x \$SYS/x"
    check broker "the rights of a gateway" has_its_rights gateway.cliente9 "$commands" "$answers $others" || true
    check broker "of an app" has_its_rights app.app9 "$commands" "$answers $others" || true
    check broker "of a servidor" has_its_rights servidor.server9 "$answers" "$commands $others" || true
    check broker "of a carro" has_its_rights carro.ABC1234 \
        'carros/ABC1234/status server/server1/carros/ABC1234/bateria' "carros/DEF5678/status $commands $answers $others" || true
    check broker "of a carregador" has_its_rights carregador.server1.7 server/server1/pontos/7/disponibilidade \
        "server/server1/pontos/8/disponibilidade pontos/7/disponibilidade $commands $answers $others" || true
}

# removal_ends_connection: while it is open.
removal_ends_connection() {
    local pid
    mqtt hold tcp 1883 app.app9 "$(secret_of app.app9)" >"$work/hold" &
    pid=$!
    within 10 grep -q connected "$work/hold" && usuario remover app.app9 && wait "$pid"
    printf 'the connection ended with %s\n' $?
    refuses tcp 1883 app.app9 "$(secret_of app.app9)"
}

files_are_private() {
    local files
    files=$(find mosquitto/usuarios -type f ! -name .gitignore -printf '%m %f\n' | sort)
    printf '%s\n' "$files"
    [ "$files" = "$(printf '600 .lock\n600 senhas')" ]
}

# No secret is in a log or among the arguments of a process.
keeps_secrets() {
    local secret
    secret=$(secret_of gateway.cliente9)
    ! compose logs --no-color broker | grep -F "$secret" && ! grep -rF "$secret" mosquitto
}

check_doors() {
    check broker "MQTT on 1883 without a name is refused" refuses tcp 1883 || true
    check broker "MQTT over WebSocket on 9001 too" refuses ws 9001 || true
    check broker "the inside door is not published" fails_with 'refused' mqtt read tcp 1884 '#' || true
    check broker "usuario novo, of every role" new_users || return 0
    check broker "an app sees on 1883 that server1 is online" presence tcp 1883 app.app9 || true
    check broker "on 9001 too" presence ws 9001 app.app9 || true
    check broker "a wrong password is refused" refuses tcp 1883 app.app9 wrong || true
    check_rights
    check broker "a bad role is refused, in Portuguese" fails_with 'deve ser gateway, servidor' usuario novo admin x || true
    check broker "usuario remover ends a connection" removal_ends_connection || true
    check broker "the files of users are private" files_are_private || true
    check broker "a secret is in no log and no file" keeps_secrets || true
}

new_users() {
    new_user gateway cliente9 && new_user app app9 && new_user servidor server9 &&
        new_user carro abc-1234 && new_user carregador server1 7
}

# After `down --volumes`, with the same users.
check_doors_again() {
    check broker "up again after down -v" compose up --detach --no-build broker || return 0
    check broker "it is healthy" within 60 is_healthy broker || true
    check broker "1883 is still closed" refuses tcp 1883 || true
    check broker "the users are the same" publishes 0x0 gateway.cliente9 server/postos/request || true
    compose down --volumes >"$work/down.log" 2>&1 || true
}

# --- What an operator changes -------------------------------------------------------------------------

restarts_broker() { compose up --detach --no-build broker && compose restart broker && within 40 is_healthy broker; }

opens_the_door() {
    printf 'BROKER_ABERTO=sim\n' >>.env
    restarts_broker && logged broker 'BROKER_ABERTO=sim: everyone'
}

closes_the_door() {
    sed -i /BROKER_ABERTO/d .env
    restarts_broker && refuses tcp 12883
}

# certificate <name>: a new one, of its own authority, whose key only root can read.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" \
        -addext subjectAltName=DNS:localhost -keyout mosquitto/certs/broker.key \
        -out mosquitto/certs/broker.crt 2>/dev/null && chmod 600 mosquitto/certs/broker.key
}

speaks_tls() { MQTT_CA_FILE=mosquitto/certs/broker.crt presence tls 12883 app.tls; }

starts_with_certificate() {
    new_user app tls && certificate one && restarts_broker && speaks_tls && ! presence tcp 12883 app.tls
}

# The old certificate is no authority for the new one.
renews_certificate() { certificate two && usuario recarregar && speaks_tls; }

# own_listener <port>: in mosquitto.conf.
own_listener() {
    sed -i '/^listener /d' mosquitto/mosquitto.conf
    printf 'listener %s\n' "$1" >>mosquitto/mosquitto.conf
    compose restart broker
}

opens_own_listener() { own_listener 1885 && within 40 is_healthy broker && logged broker 'listener 1885 is a door of yours'; }

refuses_own_door() { own_listener 1883 && within 20 logged broker "line $(wc -l <mosquitto/mosquitto.conf): remove"; }
