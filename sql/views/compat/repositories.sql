-- The repositories that relationships name.
create or replace view triaged_compat.repositories as
select id, repo_name, repo_type, metadata, created_at, updated_at
from triaged.repositories;
