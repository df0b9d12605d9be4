-- How many rows history has of each event, by minute, in the last 24 hours.
create or replace view triaged.events_per_minute as
select minute, event, count
from triaged.events_since(triaged.now() - interval '24 hours');
