#!/usr/bin/env bash
# Makes a standby of deploy/ha/compose.yaml the primary, in the place of one that is lost:
#
#   deploy/ha/promote.sh LOST STANDBY     such as: database replica-1
#
# In this order: the lost one is stopped, and stays so; the standby is promoted; PgBouncer is told.
# The other standby, workers, jobs and gateways follow by themselves. docs/runbooks/failover.md
set -euo pipefail

lost=${1:-} standby=${2:-}
if [ -z "$lost" ] || [ -z "$standby" ]; then
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
  exit 64
fi
here=$(dirname "${BASH_SOURCE[0]}")
compose() {
  docker compose --file "$here/../compose/compose.yaml" --file "$here/compose.yaml" "$@"
}

compose kill "$lost" || true
[ -z "$(compose ps --quiet --status running "$lost")" ] || {
  echo "error: $lost still runs, and is not to be left beside another primary" >&2
  exit 1
}
# Not by its policy of restarts either.
compose rm --force "$lost"
# shellcheck disable=SC2016 # The container's.
compose exec --user postgres "$standby" sh -c 'pg_ctl promote --wait --pgdata "$PGDATA"'
compose exec pgbouncer pgbouncer-primary.sh "$standby"
echo "$standby is the primary. The volume of $lost is of before: remove it, and start $lost"
