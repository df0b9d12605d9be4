-- A verdict holds for the relationship that it was reached under.
create or replace trigger dependency_relationships_expire_results
after insert or update or delete on triaged.dependency_relationships
for each row execute function triaged.expire_cached_results();
