# The daemon under supervisord: two workers, the jobs and HTTP, as in supervisord.conf.
#
#   docker build -t triaged .
#   docker run --rm -e DATABASE_URL=postgres://… triaged triaged migrate
#   docker run -e DATABASE_URL=postgres://… triaged
#
# Own handlers go to /app/tasks, as a volume or in an image on top of this one. Give the
# container more time to stop than SHUTDOWN_GRACE_MS: docker run --stop-timeout 45.
#
# The same image again, byte by byte, wants a base by its digest, Debian as of a day, one date, and no
# POSTGRESQL_CLIENT, whose archive keeps no past:
#
#   docker buildx build --build-arg NODE_IMAGE=node@sha256:… --build-arg DEBIAN_SNAPSHOT=20261130T000000Z --build-arg POSTGRESQL_CLIENT= \
#     --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) --output type=oci,dest=triaged.tar,rewrite-timestamp=true .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY tasks tasks
RUN npm run build
# What the image has of npm, for scanners.
COPY scripts/sbom.ts scripts/
ARG SOURCE_DATE_EPOCH
RUN node scripts/sbom.ts > sbom.cdx.json

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Without the optional dependencies: production brings its own PostgreSQL.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force

FROM ${NODE_IMAGE}
# Empty: the packages of the day. Else those of snapshot.debian.org, without what was mended since.
ARG DEBIAN_SNAPSHOT=
# pg_dump for `triaged backup`: of the newest server that is supported, which Debian has not. Empty: none.
ARG POSTGRESQL_CLIENT=18
# git: handlers read the repositories that a change event names.
RUN if [ -n "$DEBIAN_SNAPSHOT" ]; then \
    sed -i "s|^URIs: http://deb.debian.org/|URIs: http://snapshot.debian.org/archive/|; \
      /^URIs:/s|$|/$DEBIAN_SNAPSHOT|" /etc/apt/sources.list.d/debian.sources \
    && echo 'Acquire::Check-Valid-Until "false";' > /etc/apt/apt.conf.d/snapshot; \
  fi \
  && apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git openssh-client supervisor \
  && if [ -n "$POSTGRESQL_CLIENT" ]; then \
    apt-get install -y --no-install-recommends postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install -y --no-install-recommends "postgresql-client-$POSTGRESQL_CLIENT"; \
  fi \
  && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/*.log /var/cache/ldconfig/aux-cache
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/sbom.cdx.json ./
COPY package.json supervisord.conf ./
COPY bin bin
COPY sql sql
# What errors and the help point to.
COPY README.md CHANGELOG.md SECURITY.md LICENSE ./
COPY docs docs
COPY deploy deploy
COPY examples examples
RUN ln -s /app/bin/triaged.js /usr/local/bin/triaged \
  && install -d -o node -g node /var/cache/triaged /var/backups/triaged
# Mirrors of repositories. A volume keeps them.
ENV REPO_CACHE_DIR=/var/cache/triaged
USER node
# HTTP listens on the loopback of the container until HOST says otherwise.
EXPOSE 8080
# Fails when a process is not running, such as one that waits for a person (exit code 78).
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s \
  CMD ["supervisorctl", "-c", "/app/supervisord.conf", "status"]
CMD ["supervisord", "-c", "/app/supervisord.conf"]
