-- What a process needs that tells of every transition.

-- How much of history retention has dropped. One row, made by the first drop.
create table triaged.dropped_history (
  is_only boolean not null default true,
  -- Rows up to this id may be gone: whoever asks for all after an earlier one would not get them.
  until_id bigint not null,

  constraint dropped_history_pkey primary key (is_only),
  constraint dropped_history_has_one_row check (is_only)
);
