-- The login of postgres_exporter beside the server. Without a password: by the socket alone.
create role exporter login in role pg_monitor;
