#!/bin/sh
# A service that has nothing but curl: enqueues a task, waits until it is final, and prints its result.
# curl-only.sh URL
set -eu
api="$1/api"
task=$(curl -fsS -H 'content-type: application/json' -H 'Idempotency-Key: order-42' \
  -d '{"task_type": "greet", "payload": {"name": "Ada"}}' "$api/tasks" |
  sed -n 's/.*"task_id":"\([0-9]*\)".*/\1/p')
# A stream of events ends when the task does.
curl -fsSN --max-time 30 "$api/tasks/$task/events" >/dev/null
curl -fsS "$api/tasks/$task" | sed -n 's/.*"result":\({[^}]*}\).*/\1/p'
