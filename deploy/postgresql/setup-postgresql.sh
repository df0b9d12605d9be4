#!/usr/bin/env bash
# Prepares a running PostgreSQL (15 or later) for triaged: a login, a database that it owns, and the
# three roles that `triaged migrate` would otherwise ask an administrator for. Prints what to do next.
# Run again, it makes nothing twice, and the password stays.
#
#   sudo deploy/postgresql/setup-postgresql.sh                      on the machine of the server
#   PGHOST=db.example.org PGUSER=postgres setup-postgresql.sh       from another one, as a superuser
#
#   --new-password        another password for the login
#   --network CIDR        let the login in from there, by TLS and password (on the server's machine)
#   --max-connections N   of the server
#
# SETUP_DATABASE and SETUP_LOGIN name others than orchestrator. SETUP_PASSWORD gives the password, which
# is not printed then; else it is random, and printed once. It is an init script of the image `postgres`
# too: compose and the StatefulSet mount it.
set -euo pipefail

database=${SETUP_DATABASE:-orchestrator}
login=${SETUP_LOGIN:-orchestrator}
new_password=false network="" connections=""
while [ $# -gt 0 ]; do
  case $1 in
    --new-password) new_password=true ;;
    --network) network=${2:?--network needs a CIDR} && shift ;;
    --max-connections) connections=${2:?--max-connections needs a number} && shift ;;
    *)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
      exit 64
      ;;
  esac
  shift
done
for name in "$database" "$login"; do
  # As in names of roles that need neither quotes nor a hash.
  [[ $name =~ ^[a-z_][a-z0-9_]{0,39}$ ]] || {
    echo "error: expected a name of a-z, 0-9 and _, at most 40, got $name" >&2
    exit 64
  }
done
roles=triaged_$database

# As the server's own user where root asks the server of this machine.
as_superuser=()
if [ "$(id -u)" -eq 0 ] && [ -z "${PGHOST:-}" ]; then
  as_superuser=(runuser -u postgres --)
fi

# sql [OPTION...]: what stdin says, in the database postgres.
sql() {
  "${as_superuser[@]}" psql --dbname=postgres --no-psqlrc --quiet --tuples-only --no-align \
    --set=ON_ERROR_STOP=1 --set=database="$database" --set=login="$login" --set=roles="$roles" "$@"
}

exists=$(sql <<<"select count(*) from pg_roles where rolname = :'login'")
given=${SETUP_PASSWORD:-}
password=""
if [ "$exists" -eq 0 ] || [ "$new_password" = true ] || [ -n "$given" ]; then
  password=${given:-$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')}
fi

# By the environment: arguments are seen by everybody on the machine. And not into the server's log.
LOGIN_PASSWORD=$password sql <<'SQL'
set log_statement = 'none';
set log_min_duration_statement = -1;
set log_min_error_statement = 'panic';
set password_encryption = 'scram-sha-256';
\getenv password LOGIN_PASSWORD
select format('create role %I login', :'login')
where not exists (select from pg_roles where rolname = :'login') \gexec
select format('alter role %I password %L', :'login', :'password') where :'password' <> '' \gexec
select format('create role %I', role)
from unnest(array['owner', 'api', 'readonly']) as kind, format('%s_%s', :'roles', kind) as role
where not exists (select from pg_roles where rolname = role) \gexec
select format('grant %1$I, %2$I, %3$I to %4$I with admin option',
  :'roles' || '_owner', :'roles' || '_api', :'roles' || '_readonly', :'login') \gexec
select format('create database %I owner %I encoding ''UTF8'' template template0', :'database', :'login')
where not exists (select from pg_database where datname = :'database') \gexec
select format('revoke all on database %I from public', :'database') \gexec
select format('grant connect on database %I to %I, %I, %I', :'database',
  :'roles' || '_owner', :'roles' || '_api', :'roles' || '_readonly') \gexec
SQL

if [ -n "$network" ]; then
  network=$(sql --set=network="$network" <<<"select :'network'::cidr")
  hba=$(sql <<<"show hba_file")
  line="hostssl $database $login $network scram-sha-256"
  grep -qxF "$line" "$hba" || echo "$line" >>"$hba"
  sql <<<"alter system set listen_addresses = '*'"
fi
if [ -n "$connections" ]; then
  sql --set=connections="$connections" <<<"alter system set max_connections = :'connections'"
fi
restart=false
if [ -n "$network$connections" ]; then
  sql <<<"select from pg_reload_conf()"
  # The reload is on its way for a moment.
  sleep 1
  restart=$(sql <<<"select count(*) > 0 from pg_settings where pending_restart")
fi

host=${PGHOST:-127.0.0.1}
[[ $host != /* ]] || host=127.0.0.1
shown=$password
[ -z "$given" ] || shown=PASSWORD
echo "login $login: $([ "$exists" -eq 0 ] && echo made || echo "was there already")," \
  "$([ -n "$password" ] && echo "with a new password" || echo "its password stays (--new-password makes another)")"
echo "database $database: owned by $login, open to its roles alone"
echo "roles ${roles}_owner, ${roles}_api, ${roles}_readonly: $login may grant them to others"
echo
echo "Next:"
[ "$restart" != t ] || echo "  systemctl restart postgresql      # settings that wait for it"
echo "  export DATABASE_URL='postgres://$login:${shown:-PASSWORD}@$host:$(sql <<<"show port")/$database'"
echo "  triaged migrate && triaged doctor"
echo "  triaged work, triaged jobs and triaged serve, each by a supervisor: deploy/README.md"
echo "Keep DATABASE_URL in a file that only root reads. From another machine, TLS is verified in full:"
echo "add ?sslrootcert=/path/ca.pem, or ?sslmode=require on a network that you trust."
