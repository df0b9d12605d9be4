-- Where an effect belongs in the trace of its task: the span in which the handler asked for it, as
-- the W3C writes it. Null where nothing is traced.
alter table triaged.effects
add column traceparent text,
add constraint effects_traceparent_is_w3c check (
  traceparent ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'
);
