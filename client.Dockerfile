# The gateway. The builder stage is identical in server.Dockerfile and client.Dockerfile and
# builds both programs, so the second image takes it from the cache.
FROM rust:1.95-slim-bookworm AS builder
WORKDIR /build
# Smaller and faster programs for a longer build (docs/decisions/0107); nothing here reads the symbol
# table.
ENV CARGO_PROFILE_RELEASE_LTO=fat CARGO_PROFILE_RELEASE_STRIP=symbols

# A layer with only the dependencies, built from the lock file with empty crates in place of this
# workspace's, so that a change of the code does not build them again. A new crate needs a line.
COPY Cargo.toml Cargo.lock ./
COPY .cargo .cargo
COPY vendor vendor
COPY crates/bus/Cargo.toml crates/bus/
COPY crates/client/Cargo.toml crates/client/
COPY crates/domain/Cargo.toml crates/domain/
COPY crates/protocol/Cargo.toml crates/protocol/
COPY crates/server/Cargo.toml crates/server/
COPY crates/service/Cargo.toml crates/service/
COPY crates/suite/Cargo.toml crates/suite/
RUN for crate in crates/*; do \
        mkdir "$crate/src" \
        && touch "$crate/src/lib.rs" \
        && echo 'fn main() {}' > "$crate/src/main.rs"; \
    done \
    && cargo build --release --locked -p server -p client \
    && rm -r crates

# The workspace. COPY keeps modification times, which may be older than those of the empty crates;
# cargo would then not build the new files.
COPY crates crates
RUN find crates -name '*.rs' -exec touch {} + \
    && cargo build --release --locked -p server -p client

# What each image holds besides the program: the libraries that it is linked with, a user, the
# certificates for MQTT_CA_FILE=sistema, and how names are looked up, which glibc does by itself.
RUN set -e; for program in server client; do \
        image=/image/$program; \
        install -D "target/release/$program" "$image/usr/local/bin/$program"; \
        for library in $(ldd "target/release/$program" | grep -o '/[^ ]*'); do \
            install -D "$library" "$image$library"; \
        done; \
        install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$image/etc/ssl/certs/ca-certificates.crt"; \
        echo 'app:x:10001:10001::/:/usr/sbin/nologin' > "$image/etc/passwd"; \
        echo 'app:x:10001:' > "$image/etc/group"; \
        echo 'hosts: files dns' > "$image/etc/nsswitch.conf"; \
        install -d -m 1777 "$image/tmp"; \
    done; \
    mkdir -p /volumes/app/data

FROM scratch
LABEL org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=builder /image/client /
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/client/
USER app
# For Prometheus, in the network of the containers only.
ENV METRICS_ADDR=0.0.0.0:9464
EXPOSE 8001 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["client", "healthcheck"]
CMD ["client"]
