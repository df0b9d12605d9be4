#!/bin/sh
# Writes what pgbouncer.ini includes, and runs PgBouncer. PRIMARY is the first server to lead to.
set -eu
umask 077
# The plain password: PgBouncer needs it to enter the server by SCRAM.
{
  printf '"%s" "%s"\n' orchestrator "$POSTGRES_PASSWORD"
  printf '"%s" "%s"\n' pgbouncer "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
} >/run/pgbouncer/users.txt
[ -s /run/pgbouncer/databases.ini ] || pgbouncer-primary.sh --no-reload "$PRIMARY"
exec pgbouncer --quiet /etc/pgbouncer/pgbouncer.ini
