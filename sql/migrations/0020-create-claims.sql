-- A claim is an update within the page (heap-only): no index has a column that it changes. What a
-- worker holds is told by claims.

-- One row for each claim of a worker, and for each start by hand: the tasks that it took. Written
-- by the trigger live_tasks_note_claims in the transaction of the start. A task that a worker holds
-- is in a row of that worker; a row may also have tasks that it no longer holds. tidy_claims
-- deletes rows of which nothing is held.
create table triaged.claims (
  worker_id bigint not null,
  claim_id bigint generated always as identity,
  claimed_at timestamptz not null,
  task_ids bigint[] not null,
  -- Whether what is held of it has runs_long set, so that it is out of the way of claims.
  runs_long boolean not null default false,

  constraint claims_pkey primary key (worker_id, claim_id)
)
-- Most rows live for seconds.
with (
  autovacuum_vacuum_scale_factor = 0.01,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);

-- Serves tidy_claims: few rows, which stay for long.
create index claims_long_idx on triaged.claims (worker_id, claim_id) where runs_long;

-- Up to this claim_id, tidy_claims has deleted all rows of the worker but those that run long.
alter table triaged.workers add column tidied_claim_id bigint not null default 0;

-- Set by the heartbeat of the worker while an attempt runs for long.
alter table triaged.live_tasks
  add column runs_long boolean not null default false,
  -- Whether a claim finds it in its lane: it waits for a worker, or was started a moment ago. A
  -- claim, and the end of a short attempt, leave it as it is.
  add column in_lane boolean not null generated always as (
    status <> 'needs_decision' and not (status = 'started' and runs_long)
  ) stored;

-- Room in each page for the version that a claim writes, which has a worker and a start more: with
-- half-full pages a tenth of them went to other pages, and into each index.
alter table triaged.live_tasks set (fillfactor = 44);

-- Always null: final tasks have the columns of live ones, in their order.
alter table triaged.final_tasks
  add column runs_long boolean,
  add column in_lane boolean;

drop index triaged.live_tasks_claim_idx;
drop index triaged.live_tasks_held_idx;
drop index triaged.live_tasks_cancel_idx;

-- Serves claim_tasks: the tasks of one lane, longest due first. Without their status, which each
-- claim would write here.
create index live_tasks_claim_idx on triaged.live_tasks (
  queue, task_type, priority, run_at, task_id
)
where in_lane;

-- Serves cancel_requests, which each heartbeat calls. Most tasks never have an entry here.
create index live_tasks_cancel_idx on triaged.live_tasks (task_id)
where cancel_requested_at is not null;

-- Half-full pages had room for the second entry of each task, which claims made.
alter index triaged.live_tasks_pkey reset (fillfactor);
alter index triaged.live_tasks_created_idx reset (fillfactor);

-- What is held now. Where a platform gives each new table row security, none could be inserted.
alter table triaged.claims disable row level security, no force row level security;

insert into triaged.claims (worker_id, claimed_at, task_ids)
select worker_id, min(started_at), array_agg(task_id order by task_id)
from triaged.live_tasks
where worker_id is not null
group by worker_id;

-- From here on whoever claims writes its row, also by a function of before that is under way, or is
-- called before the new ones are there. sql/functions and sql/triggers have both again.
create function triaged.note_claims()
returns trigger
language plpgsql
security definer
set search_path to pg_catalog, pg_temp
as $$
begin
  insert into triaged.claims (worker_id, claimed_at, task_ids)
  select worker_id, triaged.now(), array_agg(task_id)
  from after
  where status = 'started'
  group by worker_id;

  return null;
end;
$$;

create trigger live_tasks_note_claims
after update on triaged.live_tasks
referencing new table as after
for each statement
execute function triaged.note_claims();
