-- Raise what is wrong with a name that somebody has put into triaged.actor. The words that
-- history has for our own doings are not for others: however they are spelt, with marks that
-- nobody sees between their letters.
create or replace function triaged.check_actor(p_actor text)
returns void
language plpgsql
stable
as $$
declare
  v_reserved constant text[] := '{worker, schedule, jobs, triaged}';
  v_word text;
begin
  if length(p_actor) > 200 or p_actor ~ '[[:cntrl:]]' then
    raise exception 'expected triaged.actor to have at most 200 characters, and none of control'
      using errcode = '22023';
  end if;

  -- By rules that hold in every locale: Turkish has another small letter for I.
  v_word := lower(substring(
    regexp_replace(p_actor, '[^[:alnum:][:space:]]', '', 'g') from '[^[:space:]]+'
  ) collate pg_catalog."C");

  if v_word = any (v_reserved) then
    raise exception 'triaged.actor begins with %, a name that history keeps for the queue itself',
      v_word
      using
        errcode = '22023',
        hint = 'Reserved as a first word are ' || array_to_string(v_reserved, ', ') || '.';
  end if;
end;
$$;
