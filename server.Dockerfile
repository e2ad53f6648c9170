# The server. The builder stage is identical in server.Dockerfile and client.Dockerfile and
# builds both programs, so the second image takes it from the cache.
FROM rust:1.95-slim-bookworm AS builder
WORKDIR /build
# Smaller programs; nothing here reads the symbol table.
ENV CARGO_PROFILE_RELEASE_STRIP=symbols

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

FROM debian:bookworm-slim
LABEL org.opencontainers.image.licenses="MIT OR Apache-2.0"
RUN groupadd --gid 10001 app && useradd --system --uid 10001 --gid app --no-create-home app \
    && install --directory --owner app --group app /app /app/data
WORKDIR /app
COPY --from=builder /build/target/release/server /usr/local/bin/
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/server/
USER app
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["server", "healthcheck"]
CMD ["server"]
