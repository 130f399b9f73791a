# Three images: --target api, --target worker, --target cli. Each is one program (cli has the
# worker's too, for `pedidos audit`), the libraries it links and the certificates of public CAs: no
# shell, no package manager, no root.

FROM docker.io/library/node:20-bookworm-slim AS dashboard
WORKDIR /src/dashboard
COPY dashboard/package.json dashboard/package-lock.json dashboard/.npmrc ./
RUN npm ci
COPY openapi/openapi.yaml ../openapi/
COPY dashboard ./
RUN npm run build

# The workspace with nothing in it: every manifest, and every program and library empty.
# It is the same, and so is all that is built from it, until a manifest changes.
FROM docker.io/library/rust:1.95-slim-bookworm AS skeleton
WORKDIR /src
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -name build.rs \
      ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -path '*/src/bin/*.rs' \
      ! -path '*/tests/main.rs' ! -path '*/benches/*.rs' -delete \
 && find . -type d -empty -delete \
 && echo 'fn main() {}' >/tmp/empty.rs \
 && find . -name '*.rs' -exec cp /tmp/empty.rs {} \; \
 && find . -exec touch --date=@0 {} +

FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY --from=skeleton /src ./
RUN cargo build --release --locked --package pedidos-api --package pedidos-worker --package pedidos
COPY common common
COPY api api
COPY worker worker
COPY cli cli
COPY --from=dashboard /src/dashboard/dist dashboard/dist
# A checkout is older than the empty programs just built: cargo goes by time.
RUN find common api worker cli -name '*.rs' -exec touch {} + \
 && cargo build --release --locked --package pedidos-api --package pedidos-worker --package pedidos
WORKDIR /image
# What all images have beside their program. nsswitch.conf: names are looked up in
# /etc/hosts, then in DNS.
RUN ldd /src/target/release/pedidos-api /src/target/release/pedidos-worker \
      /src/target/release/pedidos >/tmp/linked \
 && grep --only-matching '/[^ ]*\.so[^ ]*' /tmp/linked >/tmp/libraries \
 && sort --unique --output=/tmp/libraries /tmp/libraries \
 && xargs --arg-file=/tmp/libraries cp --dereference --parents --target-directory=. \
 && cp --dereference --parents /etc/nsswitch.conf /etc/ssl/certs/ca-certificates.crt .

FROM scratch AS base
COPY --from=build /image /
USER 65532:65532
# Reached from outside the container; logs go to standard error and to Redis.
ENV HOST=0.0.0.0 BACKEND_LOGS=false

FROM base AS cli
COPY --from=build /src/target/release/pedidos /src/target/release/pedidos-worker /usr/local/bin/
ENTRYPOINT ["/usr/local/bin/pedidos"]

FROM base AS worker
COPY --from=build /src/target/release/pedidos-worker /usr/local/bin/
EXPOSE 9464
ENTRYPOINT ["/usr/local/bin/pedidos-worker"]

FROM base AS api
COPY --from=build /src/target/release/pedidos-api /usr/local/bin/
EXPOSE 3000
ENTRYPOINT ["/usr/local/bin/pedidos-api"]
