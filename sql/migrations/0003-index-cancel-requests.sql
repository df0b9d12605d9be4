-- Serves cancel_requests, which each heartbeat calls. By live_tasks_held_idx it read every entry
-- that vacuum could not remove, of all that the worker held before: under a held snapshot 15 ms
-- after 150,000 tasks and growing with each, against 0.5 ms. Most tasks never have an entry here.
create index live_tasks_cancel_idx on triaged.live_tasks (worker_id)
where cancel_requested_at is not null;
