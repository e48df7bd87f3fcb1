# One binary in a small image; state lives in the volume /data.
FROM rust:1.95-bookworm AS build
WORKDIR /portolan
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --home-dir /data portolan
COPY --from=build /portolan/target/release/portolan /usr/local/bin/portolan
USER 10001
VOLUME /data
EXPOSE 8080 9080
HEALTHCHECK --interval=30s --timeout=5s CMD ["portolan", "status", "--data", "/data"]
ENTRYPOINT ["portolan"]
CMD ["serve", "--data", "/data"]
