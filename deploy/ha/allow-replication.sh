#!/usr/bin/env bash
# Init script of the first server, after setup-postgresql.sh: the login of standbys, and that each
# commit waits for one of them. The latter counts from the next start on: here is no standby yet.
set -euo pipefail

psql --username="$POSTGRES_USER" --dbname=postgres --no-psqlrc --quiet --set=ON_ERROR_STOP=1 <<'SQL'
set log_statement = 'none';
set log_min_error_statement = 'panic';
set password_encryption = 'scram-sha-256';
\getenv password REPLICATION_PASSWORD
create role replicator login replication password :'password';
alter system set synchronous_standby_names = 'ANY 1 ("database", "replica-1", "replica-2")';
SQL

printf '%s\n' "host replication replicator samenet scram-sha-256" \
  "host postgres replicator samenet scram-sha-256" >>"$PGDATA/pg_hba.conf"
