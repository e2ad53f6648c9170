#!/usr/bin/env bash
# Provides the public base images that the Dockerfiles and docker-compose.yml name: uses those
# present, else pulls them, else (without an image registry, as root on Debian) makes a stand-in of
# the same name and layout from Debian's packages and the local Rust toolchain.
#
# Starts dockerd if none answers and leaves it running; its pid is then in $DOCKERD_PIDFILE.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

: "${DOCKERD_PIDFILE:=/run/suite-dockerd.pid}"
: "${DOCKERD_LOG:=/tmp/suite-dockerd.log}"
export DEBIAN_FRONTEND=noninteractive

say() { printf 'base-images: %s\n' "$*"; }
die() {
    printf 'base-images: %s\n' "$*" >&2
    exit 1
}

apt_install() {
    command -v apt-get >/dev/null || die "please install: $*"
    [ "$(id -u)" = 0 ] || die "please install (or run this as root): $*"
    say "installing $*"
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

docker_answers() { docker info >/dev/null 2>&1; }

ensure_docker() {
    if ! docker_answers; then
        command -v dockerd >/dev/null || apt_install docker.io
        # With a service manager, the installation has started it.
        docker_answers || start_dockerd
    fi
    docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null ||
        apt_install docker-compose
}

start_dockerd() {
    [ "$(id -u)" = 0 ] || die "docker does not answer: start it, or run this as root"
    # In its own session, so that a Ctrl-C for the caller does not end it.
    setsid dockerd --pidfile "$DOCKERD_PIDFILE" >"$DOCKERD_LOG" 2>&1 </dev/null &
    for _ in $(seq 120); do
        if docker_answers; then
            say "started dockerd, pid $(cat "$DOCKERD_PIDFILE"); end it with: kill $(cat "$DOCKERD_PIDFILE")"
            return
        fi
        sleep 0.5
    done
    tail -n 20 "$DOCKERD_LOG" >&2
    die "dockerd does not answer after 60 s"
}

base_images() {
    sed -n 's/^FROM \([^ ]*:[^ ]*\).*/\1/p' server.Dockerfile client.Dockerfile
    sed -n 's/^ *image: *\([^ ]*:[^ ]*\).*/\1/p' docker-compose.yml
}

present() { docker image inspect "$1" >/dev/null 2>&1; }

ensure_image() {
    local reason
    present "$1" && return
    say "pulling $1"
    # The time limit is for a registry that never answers.
    timeout 900 docker pull --quiet "$1" >/dev/null 2>"$work/pull.log" && return
    reason=$(tail -n 1 "$work/pull.log")
    say "cannot pull it: ${reason##*: }"
    say "making a stand-in; to have the real one some day: docker rmi $1"
    case $1 in
    debian:*-slim) make_debian "$1" ;;
    rust:*-slim-*) make_rust "$1" ;;
    eclipse-mosquitto:2*) make_mosquitto "$1" ;;
    *) die "no recipe for a stand-in of $1" ;;
    esac
}

# `docker inspect` shows this for every stand-in.
readonly LABEL='LABEL org.opencontainers.image.description="local stand-in for the public image"'

make_debian() {
    local suite=${1#debian:} root=$work/debian
    suite=${suite%-slim}
    [ "$(id -u)" = 0 ] || die "making $1 needs root"
    command -v debootstrap >/dev/null || apt_install debootstrap
    debootstrap --variant=minbase "$suite" "$root" >"$work/debootstrap.log" 2>&1 ||
        { tail -n 20 "$work/debootstrap.log" >&2 && die "debootstrap failed"; }

    # As in the public image: package scripts start no services, and there is no documentation.
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
    printf 'path-exclude %s/*\n' /usr/share/{doc,info,locale,man} >"$root/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$root"/usr/share/{doc,info,locale,man}/* "$root"/var/{cache/apt,lib/apt/lists,log}/* \
        "$root"/var/cache/ldconfig/* "$root"/etc/{hostname,resolv.conf}
    tar -C "$root" --numeric-owner -c . |
        docker import --change 'CMD ["bash"]' --change "$LABEL" - "$1" >/dev/null
}

make_rust() {
    local version=${1#rust:} base=debian:${1##*-}-slim context=$work/rust sysroot host
    version=${version%%-*}
    # rust-toolchain.toml selects the toolchain of this folder.
    case $(rustc --version) in
    "rustc $version"[.\ ]*) ;;
    *) die "making $1 needs Rust $version here; found $(rustc --version)" ;;
    esac
    sysroot=$(rustc --print sysroot)
    host=$(rustc -vV | sed -n 's/^host: //p')
    ensure_image "$base"

    mkdir -p "$context"/{ca,toolchain/bin,toolchain/lib/rustlib}
    cp "$sysroot"/bin/{cargo,rustc} "$context/toolchain/bin/"
    cp -P "$sysroot"/lib/*.so* "$context/toolchain/lib/"
    cp -R "$sysroot/lib/rustlib/$host" "$context/toolchain/lib/rustlib/"
    # The machine's extra CA certificates, so that cargo reaches crates.io from inside too.
    find /usr/local/share/ca-certificates -name '*.crt' -exec cp {} "$context/ca/" \; 2>/dev/null || true
    cat >"$context/Dockerfile" <<DOCKERFILE
FROM $base
$LABEL
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
ENV CARGO_HOME=/usr/local/cargo
COPY ca /usr/local/share/ca-certificates
RUN update-ca-certificates
COPY toolchain /usr/local
DOCKERFILE
    build "$1" "$context"
}

make_mosquitto() {
    local context=$work/mosquitto base
    base=debian:bookworm-slim
    ensure_image "$base"

    mkdir -p "$context"
    # The entry point of the public image: volumes are chowned to the broker, read-only mounts not.
    cat >"$context/docker-entrypoint.sh" <<'ENTRYPOINT'
#!/bin/sh
set -e
if [ "$(id -u)" = 0 ]; then
    chown -R mosquitto:mosquitto /mosquitto 2>/dev/null || true
fi
exec "$@"
ENTRYPOINT
    chmod +x "$context/docker-entrypoint.sh"
    cat >"$context/Dockerfile" <<DOCKERFILE
FROM $base
$LABEL
RUN groupadd --system --gid 1883 mosquitto \
 && useradd --system --uid 1883 --gid mosquitto --home-dir /var/empty --shell /usr/sbin/nologin mosquitto \
 && apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends mosquitto mosquitto-clients >/dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && mkdir -p /mosquitto/config /mosquitto/data /mosquitto/log \
 && cp /etc/mosquitto/mosquitto.conf /mosquitto/config/ \
 && chown -R mosquitto:mosquitto /mosquitto
COPY docker-entrypoint.sh /
VOLUME ["/mosquitto/data", "/mosquitto/log"]
EXPOSE 1883
ENTRYPOINT ["/docker-entrypoint.sh"]
CMD ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
DOCKERFILE
    build "$1" "$context"
}

build() {
    docker build --tag "$1" "$2" >"$work/build.log" 2>&1 ||
        { tail -n 40 "$work/build.log" >&2 && die "building the stand-in for $1 failed"; }
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ensure_docker
for image in $(base_images | sort -u); do
    ensure_image "$image"
    say "$image is here"
done
