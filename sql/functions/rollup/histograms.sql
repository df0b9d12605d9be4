-- Histograms of durations. Their cells are 10 % wide, so each value is known within 5 %, and two
-- histograms merge by adding.

-- The cell of a duration in seconds: 0 for none, n for up to 1 us * 1.1 ^ n. The last one is for
-- 80 years and more.
create or replace function triaged.histogram_cell(p_seconds double precision)
returns integer
language sql
immutable
as $$
  select case
    when p_seconds < 1e-6 then 0
    when p_seconds < 2.5e9 then greatest(1, ceil(ln(p_seconds / 1e-6) / ln(1.1::float8)))::integer
    else 372
  end;
$$;

-- The value in the middle of a cell, in seconds: no value of the cell is 5 % away from it.
create or replace function triaged.histogram_value(p_cell integer)
returns double precision
language sql
immutable
as $$
  select case when p_cell = 0 then 0 else 1e-6 * power(1.1::float8, p_cell - 0.5) end;
$$;
