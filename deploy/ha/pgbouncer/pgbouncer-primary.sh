#!/bin/sh
# pgbouncer-primary.sh SERVER: lead to that one from now on. Sessions to another one are closed.
set -eu
[ "$1" != --no-reload ] || { reload=no && shift; }
printf '[databases]\norchestrator = host=%s port=5432\n' "$1" >/run/pgbouncer/databases.ini
# SIGHUP: RELOAD, which closes sessions whose server is another one by now.
[ "${reload:-yes}" = no ] || kill -HUP 1
