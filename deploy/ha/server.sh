#!/usr/bin/env bash
# Entry point of each PostgreSQL of deploy/ha/compose.yaml. Without data it begins as a standby of
# whoever is the primary; the first one of all begins as that. One that was the primary does not
# start beside another: two primaries would be two queues.
#
#   NAME    of this server, as the others and synchronous_standby_names call it
#   SERVERS all of them, with commas between
#   FIRST   yes: begins the cluster where no other server answers
set -euo pipefail

hosts=$(tr , '\n' <<<"$SERVERS" | grep -vxF "$NAME" | paste -sd ,)
export PGPASSWORD=$REPLICATION_PASSWORD

# answers ATTRS: whether another server of that kind does
answers() {
  psql "host=$hosts user=replicator dbname=postgres connect_timeout=3 target_session_attrs=$1" \
    --no-psqlrc --quiet --command='select' >/dev/null 2>&1
}

copy() {
  # Of several hosts the one that is the primary: when it changes, the copy follows by itself.
  gosu postgres pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --checkpoint=fast \
    --dbname="host=$hosts user=replicator application_name=$NAME target_session_attrs=primary"
}

if [ -s "$PGDATA/PG_VERSION" ]; then
  if [ ! -e "$PGDATA/standby.signal" ] && answers primary; then
    echo "error: another server is the primary by now, and the data of $NAME is of before" >&2
    echo "hint: remove the volume of $NAME: it comes back as a standby (docs/runbooks/failover.md)" >&2
    exit 1
  fi
elif [ "${FIRST:-}" != yes ] || answers any; then
  install -d -m 700 -o postgres -g postgres "$PGDATA"
  until copy; do
    echo "no primary to copy; trying again" >&2
    find "$PGDATA" -mindepth 1 -delete
    sleep 2
  done
fi

unset PGPASSWORD
exec docker-entrypoint.sh "$@"
