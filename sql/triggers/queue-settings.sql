-- Who changed what, by hand as well.
create or replace trigger queue_settings_record_change
before insert or update on triaged.queue_settings
for each row execute function triaged.record_setting();
