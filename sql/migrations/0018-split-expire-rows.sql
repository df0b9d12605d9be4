-- Retention of cached verdicts is expire_verdicts since, and the result of expire_rows has a column
-- less: it is made again with the other functions.
drop function if exists triaged.expire_rows(integer, integer);
