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

# Topics of every kind, with the ids of these users and with others.
readonly topics=(
    server/postos/{request,estimativa,reserva,reserva/consulta,status}
    server/server1/{postos/request,postos/reserva/alteracao,status}
    server/server9/{postos/estimativa,postos/reserva,status}
    client/{cliente9,app9,cliente1}/postos/response client/{cliente9,app9}/reservas/status
    pontos/7/{status,disponibilidade} reservas/1/status
    carros/ABC1234/{status,bateria} carros/DEF5678/status
    server/server1/carros/{ABC1234/bateria,DEF5678/status} server/server9/carros/ABC1234/status
    server/server1/pontos/{7,8}/disponibilidade server/server9/pontos/7/disponibilidade
    x \$SYS/x
)

topics_like() { printf '%s\n' "${topics[@]}" | grep -xE "$1" || true; }

# published_inside: what runs to publish on all topics, at the inside door.
published_inside() {
    # shellcheck disable=SC2016
    printf '%s\0' docker exec "$(container broker)" sh -c \
        'for topic; do mosquitto_pub -q 1 -m mark -t "$topic" || exit; done' sh "${topics[@]}"
}

# has_its_rights <transport> <port> <user> <topics that it publishes on> <that it receives>: these and
# no others. Each is an extended regular expression.
has_its_rights() {
    local user=$3 secret command
    secret=$(secret_of "$user") && mapfile -d '' command < <(published_inside)
    mqtt publish "$1" "$2" "${topics[*]}" "$user" "$secret" >"$work/published" || return
    diff <(topics_like "$4") "$work/published" || return
    mqtt receive "$1" "$2" mark "$user" "$secret" "${command[@]}" >"$work/received" || return
    diff <(topics_like "$5") "$work/received"
}

# check_role <user> <publishes> <receives>
check_role() {
    check broker "$1 on 1883: exactly its rights" has_its_rights tcp 1883 "$@" || true
    check broker "on 9001 too" has_its_rights ws 9001 "$@" || true
}

# The table of docs/security.md.
check_rights() {
    local commands='server/(postos|[^/]+/postos)/(request|estimativa|reserva(/[^/]+)?)'
    local events='(pontos|reservas)/[^/]+/status'
    check_role gateway.cliente9 "$commands" "client/cliente9/.+|server/[^/]+/status|$events"
    check_role app.app9 "$commands" "client/app9/.+|server/[^/]+/status|$events"
    check_role servidor.server9 "client/[^/]+/.+|server/server9/status|$events" \
        'server/postos/(request|estimativa|reserva(/[^/]+)?)|server/server9/.+|carros/[^/]+/[^/]+|pontos/[^/]+/disponibilidade'
    check_role carro.ABC1234 '(server/[^/]+/)?carros/ABC1234/.+' ''
    check_role carregador.server1.7 server/server1/pontos/7/disponibilidade ''
}

# --- Users, while everything runs -----------------------------------------------------------------

# lists <names…>: these are the users, and no others.
lists() { diff <(printf '%s\n' "$@") <(usuario listar); }

# ends_connection <usuario arguments…>: that of app.app9, and no other one.
ends_connection() {
    local pid other code=0
    rm -f "$work/other" "$work/hold"
    mqtt hold tcp 1883 gateway.cliente9 "$(secret_of gateway.cliente9)" >"$work/other" &
    other=$!
    mqtt hold tcp 1883 app.app9 "$(secret_of app.app9)" >"$work/hold" &
    pid=$!
    within 10 grep -q connected "$work/hold" && within 10 grep -q connected "$work/other" &&
        usuario "$@" >"$work/new_secret" || return
    wait "$pid" || code=$?
    # 124: it was ended by `timeout`.
    [ "$code" != 124 ] || return
    kill "$other" || { printf 'the other connection ended too\n' && return 1; }
    wait "$other" || true
    refuses tcp 1883 app.app9 "$(secret_of app.app9)"
}

another_password() {
    ends_connection senha app.app9 && mv "$work/new_secret" "$work/secrets/app.app9" && presence tcp 1883 app.app9
}

users_change() {
    check broker "usuario listar names them" \
        lists app.app9 carregador.server1.7 carro.ABC1234 gateway.cliente9 servidor.server9 || true
    check broker "usuario senha ends a connection, and the new password holds" another_password || true
    check broker "usuario remover ends a connection" ends_connection remover app.app9 || true
    check broker "usuario listar no longer names it" \
        lists carregador.server1.7 carro.ABC1234 gateway.cliente9 servidor.server9 || true
    check broker "all services run on" run_on "$work/before_users" || true
}

# outside <user> <service whose image it has> <options of `docker run`…>: a program that is not in the
# network of the suite, and reaches the broker at its published port.
outside() {
    local user=$1 service=$2
    # Two in the host's network cannot answer /metrics at one port.
    docker run --detach --rm --network host --label "$outside_label" --env METRICS_ADDR= \
        --volume "$work/secrets/$user:/secret:ro" --env MQTT_USERNAME="$user" --env MQTT_PASSWORD_FILE=/secret \
        "${@:3}" "$(docker inspect --format '{{.Image}}' "$(container "$service")")"
}

# sees <gateway's port> <server_id> <status>
sees() {
    http 200 "http://localhost:$1/servidores" &&
        body_holds "[one['status'] for one in body['servidores'] if one['server_id'] == '$2'] == ['$3']"
}

check_outside_programs() {
    check broker "a gateway from outside, with its name" outside gateway.cliente9 client_servidor_1 \
        --env MQTT_CLIENT_ID=cliente9 --env HTTP_ADDR=127.0.0.1:8011 || true
    check server_1 "it lists the postos of server1" within 15 lists_posto_5 8011 server1 || true
    check broker "a servidor from outside, with its name" outside servidor.server9 server_1 \
        --env SERVER_ID=server9 --env HTTP_ADDR=127.0.0.1:8010 || true
    check client_servidor_1 "a gateway inside sees it online" within 15 sees 8001 server9 online || true
    check client_servidor_1 "and has its answer" lists_postos 8001 server9 || true
    remove_outside
    check client_servidor_1 "stopped, it is offline" within 15 sees 8001 server9 offline || true
}

files_are_private() {
    local files
    files=$(find mosquitto/usuarios -type f ! -name .gitignore -printf '%m %f\n' | sort)
    printf '%s\n' "$files"
    [ "$files" = "$(printf '600 .lock\n600 senhas')" ]
}

# The secret of a user is in no log and no file of the broker.
keeps_secrets() {
    local secret
    secret=$(secret_of gateway.cliente9)
    save_logs broker && lacks -F "$secret" "$work/logs" && lacks -rF "$secret" mosquitto
}

check_doors() {
    check broker "MQTT on 1883 without a name is refused" refuses tcp 1883 || true
    check broker "MQTT over WebSocket on 9001 too" refuses ws 9001 || true
    check broker "the inside door is not published" fails_with 'refused' mqtt read tcp 1884 '#' || true
    running "${PWD##*/}" >"$work/before_users"
    check broker "usuario novo, of every role" new_users || return 0
    check broker "an app sees on 1883 that server1 is online" presence tcp 1883 app.app9 || true
    check broker "on 9001 too" presence ws 9001 app.app9 || true
    check broker "a wrong password is refused" refuses tcp 1883 app.app9 wrong || true
    check_rights
    check broker "a bad role is refused, in Portuguese" fails_with 'deve ser gateway, servidor' usuario novo admin x || true
    check_outside_programs
    users_change
    check broker "the files of users are private" files_are_private || true
    check broker "a secret is in no log and no file" keeps_secrets || true
}

new_users() {
    new_user gateway cliente9 && new_user app app9 && new_user servidor server9 &&
        new_user carro abc-1234 && new_user carregador server1 7
}

# After `down --volumes`, with the same users.
check_doors_again() {
    local service
    check broker "up again after down -v" compose up --detach --no-build || return 0
    for service in "${services[@]}"; do
        check "$service" "$service is healthy" within 60 is_healthy "$service" || true
    done
    check broker "1883 is still closed" refuses tcp 1883 || true
    check broker "9001 too" refuses ws 9001 || true
    check broker "the users and their passwords are the same" presence tcp 1883 gateway.cliente9 || true
    check broker "the removed one is not back" refuses tcp 1883 app.app9 "$(secret_of app.app9)" || true
    check client_servidor_1 "GET /postos of server1" within 15 lists_posto_5 8001 server1 || true
    check server_1 "posto 5 is free, and reserved anew" reserves || true
    check server_1 "the token of the old data is refused" with_token 401 "$work/token" /reservas || true
    check server_1 "the token of the new data is not" admin_has 8000 server_1 || true
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

# hangs_up <transport> <port>: the connection is accepted, and closed without an answer to CONNECT.
hangs_up() {
    local code=0
    mqtt read "$1" "$2" '#' || code=$?
    [ "$code" = 4 ]
}

speaks_tls() { MQTT_CA_FILE=mosquitto/certs/broker.crt presence tls 12883 app.tls; }

starts_with_certificate() {
    new_user app tls && certificate one && restarts_broker && speaks_tls && hangs_up tcp 12883
}

# The old certificate is no authority for the new one.
renews_certificate() { certificate two && usuario recarregar && speaks_tls; }

# The README's commands for host A, as they stand. The file of the password is readable for its owner
# only, and a container of host B has another user.
secures_host_a() {
    # shellcheck disable=SC2317 # The README calls it.
    docker-compose() { compose "$@"; }
    eval "$(python3 crates/suite/readme.py host A)" && within 40 is_healthy broker &&
        chmod a+r server3.secret && mv server3.secret "$work/secrets/servidor.server3"
}

# Its settings for host B, for a program that runs with Docker.
starts_on_host_b() {
    outside servidor.server3 server_1 --add-host broker.example.org:127.0.0.1 \
        --volume "$PWD/authority/ca.crt:/ca.crt:ro" --env MQTT_CA_FILE=/ca.crt --env SERVER_ID=server3 \
        --env MQTT_BROKER=broker.example.org --env MQTT_PORT=12883 --env HTTP_ADDR=127.0.0.1:8010
}

check_two_hosts() {
    check broker "the README's commands for host A" secures_host_a || return 0
    check broker "a servidor with those for host B, over TLS" starts_on_host_b || true
    check client_servidor_1 "the gateway of A sees it online" within 20 sees 19001 server3 online || true
    check client_servidor_1 "and has its answer" lists_postos 19001 server3 || true
    remove_outside
}

# own_listener <port>: in mosquitto.conf.
own_listener() {
    sed -i '/^listener /d' mosquitto/mosquitto.conf
    printf 'listener %s\n' "$1" >>mosquitto/mosquitto.conf
    compose restart broker
}

opens_own_listener() { own_listener 1885 && within 40 is_healthy broker && logged broker 'listener 1885 is your own'; }

refuses_own_door() { own_listener 1883 && within 20 logged broker "line $(wc -l <mosquitto/mosquitto.conf): remove"; }
