-- What a file of relationships says beside the relationships. The function
-- save_relationship_settings is the only writer.
create table triaged.relationship_settings (
  -- notifications: who is told of a verdict, and when the digest goes out. file: the version, the
  -- description and what else stands at the top of the file, for its export.
  name text not null,
  settings jsonb not null,
  updated_at timestamptz not null,

  constraint relationship_settings_pkey primary key (name),
  constraint relationship_settings_name_known check (name in ('notifications', 'file')),
  constraint relationship_settings_is_object check (jsonb_typeof(settings) = 'object')
);
