# A stand-in for the image postgres:17 where it cannot be pulled: as much of its entry point as docker-compose.yml uses.
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/* \
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ \
    && mkdir -p /var/lib/postgresql/data && chown postgres:postgres /var/lib/postgresql/data
COPY postgres-entrypoint /usr/local/bin/
USER postgres
ENTRYPOINT ["postgres-entrypoint"]
CMD ["postgres"]
