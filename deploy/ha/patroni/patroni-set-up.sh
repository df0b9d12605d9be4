#!/bin/sh
# Called by Patroni once, on the first primary: the login, its database, the roles.
set -eu
unset PGPASSFILE
PGHOST=/var/run/postgresql PGUSER=postgres SETUP_PASSWORD=$POSTGRES_PASSWORD \
  exec bash /usr/local/share/setup-postgresql.sh
