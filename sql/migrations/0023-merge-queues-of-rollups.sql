-- Ends are rolled up by type and status, whatever their queues: no question asks for the queue, and
-- a day had as many rows for each type as there are queues. The column stays: rows from before have
-- a queue, and count in each question as they are, until the fold has merged them.

-- Hours from this one on have no rows with a queue any more; -infinity is all.
alter table triaged.rollup_progress add column merged_queues_from timestamptz;

-- The counts of the hours whose histograms are merged, but for the first one, of which a day has a
-- part alone. Null in rows that an older version has merged: then each hour is read.
alter table triaged.day_histograms
  add column count bigint,
  add column last_at timestamptz,
  add column run_count bigint,
  add column run_sum double precision,
  add column run_min double precision,
  add column run_max double precision,
  add column wait_min double precision,
  add column wait_max double precision;

-- Charts of a day and of a week read one row for each of their steps, not fifteen and two.
alter table triaged.series_rollups
  drop constraint series_rollups_span_known,
  add constraint series_rollups_span_known check (
    span in ('10 seconds', 'minute', '15 minutes', 'hour', '2 hours')
  );

-- The cells in which the quantiles of each measure lie, which the fold finds. Null where nothing
-- was measured, and in rows that an older version has written: then whoever asks finds them.
alter table triaged.series_rollups
  add column run_p50 integer,
  add column run_p95 integer,
  add column wait_p50 integer,
  add column wait_p95 integer;

-- Whether the rollups of before are in these spans too: the first fold adds them.
alter table triaged.rollup_progress add column has_chart_spans boolean not null default false;
