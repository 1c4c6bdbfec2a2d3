# What both scripts of this folder need: the servers and tools of the tests, and the counting of results.
# Brings up databases and brokers where they are missing or down (Debian and its kin).
exec </dev/null
export CI=true

reports=.cache/reports
postgres_url=${TEST_POSTGRES_URL:-postgres://postgres@127.0.0.1:5432/postgres}

say() { printf '\n== %s\n' "$*"; }
is_there() { command -v "$1" >/dev/null 2>&1; }
is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }
as_postgres() { if [ "$(id -u)" -eq 0 ]; then su postgres -s /bin/sh -c "$1"; else sudo -n -u postgres sh -c "$1"; fi; }

install_packages() {
  say "Installing $*"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

wait_for() {
  for _ in $(seq 60); do
    is_open "$1" && return
    sleep 0.5
  done
  echo "Nothing answers on port $1."
  return 1
}

# better-sqlite3 is compiled where no ready-made binary can be downloaded.
ensure_compiler() {
  local missing=()
  is_there python3 || missing+=(python3)
  is_there make || missing+=(make)
  is_there g++ || missing+=(g++)
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

# Services in Python and Ruby read the library's tokens; Debian's interpreters know Debian's libraries.
ensure_other_languages() {
  local missing=()
  "${TEST_PYTHON:-/usr/bin/python3}" -c 'import jwt, cryptography' 2>/dev/null ||
    missing+=(python3 python3-jwt python3-cryptography)
  "${TEST_RUBY:-/usr/bin/ruby}" -e 'require "jwt"; require "rbnacl"' 2>/dev/null || missing+=(ruby ruby-jwt ruby-rbnacl)
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

ensure_postgres() {
  [ -z "${TEST_POSTGRES_URL:-}" ] && ! is_open 5432 || return 0
  is_there pg_ctlcluster && [ -n "$(ls /etc/postgresql 2>/dev/null)" ] || install_packages postgresql
  say 'Starting PostgreSQL'
  local version
  version=$(ls /etc/postgresql | sort -V | tail -n 1)
  is_open 5432 || as_root pg_ctlcluster --skip-systemctl-redirect "$version" main start
  wait_for 5432 || return 1
  psql --no-password "$postgres_url" -c 'SELECT 1' >/dev/null 2>&1 && return
  # The first matching line counts.
  as_root sed -i '1i host all postgres 127.0.0.1/32 trust' "/etc/postgresql/$version/main/pg_hba.conf"
  as_postgres "psql -q -c 'SELECT pg_reload_conf()'" >/dev/null
}

ensure_mariadb() {
  [ -z "${TEST_MARIADB_URL:-}" ] && ! is_open 3306 || return 0
  [ -x /usr/sbin/mariadbd ] || install_packages mariadb-server
  say 'Starting MariaDB'
  if ! is_open 3306; then
    as_root install -d -o mysql -g mysql /run/mysqld
    as_root start-stop-daemon --start --oknodo --background --exec /usr/sbin/mariadbd -- --user=mysql
  fi
  wait_for 3306 || return 1
  mariadb --protocol=tcp -h 127.0.0.1 -u root -e 'SELECT 1' >/dev/null 2>&1 && return
  # Over the socket the system's root stays who it is; over TCP the password is empty.
  as_root mariadb -u root <<'SQL'
ALTER USER root@localhost IDENTIFIED VIA mysql_native_password USING '' OR unix_socket;
CREATE USER IF NOT EXISTS root@127.0.0.1 IDENTIFIED VIA mysql_native_password USING '';
GRANT ALL PRIVILEGES ON *.* TO root@127.0.0.1 WITH GRANT OPTION;
SQL
}

# Brokers of messages, which anybody on this machine may use.
ensure_nats() {
  [ -z "${TEST_NATS_URL:-}" ] && ! is_open 4222 || return 0
  [ -x /usr/sbin/nats-server ] || is_there nats-server || install_packages nats-server
  say 'Starting NATS'
  is_open 4222 || as_root start-stop-daemon --start --background --make-pidfile --pidfile /run/nats-server-tests.pid \
    --exec "$(command -v nats-server || echo /usr/sbin/nats-server)" -- -a 127.0.0.1 -p 4222
  wait_for 4222
}

ensure_rabbitmq() {
  [ -z "${TEST_RABBITMQ_URL:-}" ] && ! is_open 5672 || return 0
  [ -x /usr/sbin/rabbitmq-server ] || install_packages rabbitmq-server
  say 'Starting RabbitMQ'
  is_open 5672 || as_root start-stop-daemon --start --background --exec /usr/sbin/rabbitmq-server
  wait_for 5672
}

ensure_mosquitto() {
  [ -z "${TEST_MQTT_URL:-}" ] && ! is_open 1883 || return 0
  [ -x /usr/sbin/mosquitto ] || install_packages mosquitto
  say 'Starting Mosquitto'
  # Without a configuration it lets this machine in, and no other.
  is_open 1883 || as_root start-stop-daemon --start --background --exec /usr/sbin/mosquitto -- -p 1883
  wait_for 1883
}

# It tells the processes of an application of ends.
ensure_redis() {
  [ -z "${TEST_REDIS_URL:-}" ] && ! is_open 6379 || return 0
  [ -x /usr/bin/redis-server ] || is_there redis-server || install_packages redis-server
  say 'Starting Redis'
  is_open 6379 || as_root start-stop-daemon --start --background --exec "$(command -v redis-server || echo /usr/bin/redis-server)" -- \
    --bind 127.0.0.1 --port 6379 --save '' --appendonly no
  wait_for 6379
}

# It scrapes what the recipe for it measures; each test starts its own.
ensure_prometheus() {
  [ -n "${TEST_PROMETHEUS:-}" ] || [ -x /usr/bin/prometheus ] || install_packages prometheus
}

# The proofs of poolers and of fail-overs start their own.
ensure_pgbouncer() {
  [ -x /usr/sbin/pgbouncer ] || is_there pgbouncer || install_packages pgbouncer
}
ensure_haproxy() {
  [ -x /usr/sbin/haproxy ] || is_there haproxy || install_packages haproxy
}

# The proof on a cluster starts its nodes, which copy the first one's data.
ensure_galera() {
  [ -e /usr/lib/galera/libgalera_smm.so ] && is_there rsync || install_packages galera-4 rsync mariadb-server
}

# The proof of clocks moves those of its processes.
ensure_faketime() {
  is_there faketime || install_packages faketime
}

# The browser of the tests in test/browser.
ensure_chromium() {
  [ -n "${TEST_CHROMIUM:-}" ] || is_there chromium || install_packages chromium
}

# Runs a command, and says what it took: on the clock, and of processors, by all processes that it waited for. Databases
# and brokers are not among these.
timed() {
  local name=$1 status took out err wall user sys TIMEFORMAT='%R %U %S'
  shift
  exec {out}>&1 {err}>&2
  took=$({ time "$@" >&"$out" 2>&"$err"; } 2>&1)
  status=$?
  exec {out}>&- {err}>&-
  read -r wall user sys <<<"$took"
  took=$(awk -v n="$name" -v w="$wall" -v u="$user" -v s="$sys" 'BEGIN { printf "%-14s%7.1f s%7.1f s CPU", n, w, u + s }')
  echo "$took" | tee -a "$reports/took.txt"
  return $status
}

# Counts in the reports as one test: green or not.
step() {
  local name=$1 passed=1 failed=0
  shift
  say "$*"
  mkdir -p "$reports/steps"
  timed "$name" "$@" || passed=0 failed=1
  printf '{"numPassedTests":%d,"numFailedTests":%d}\n' $passed $failed >"$reports/steps/$name.json"
}

# Counts as what the runner reported; when it failed and did not say why, as one failed test.
suite() {
  local name=$1
  shift
  say "$*"
  mkdir -p "$reports/$name"
  timed "$name" "$@" && return
  case $(node test/support/reports.mjs "$reports/$name") in
  *' 0 failed') printf '{"numPassedTests":0,"numFailedTests":1}\n' >"$reports/$name/run.json" ;;
  esac
}

# Runs two functions side by side, as one of them leaves a core idle. What the second prints comes after the first.
together() {
  local log other
  log=$(mktemp)
  # A process group of its own, so that nothing of it stays when this run is cut short.
  set -m
  ("$2") >"$log" 2>&1 &
  other=$!
  set +m
  trap 'kill -- -'"$other"' 2>/dev/null' EXIT
  # In a subshell too: the time of a step is that of its own processes.
  ("$1")
  wait "$other"
  trap - EXIT
  cat "$log"
  rm "$log"
}

prepare() {
  rm -rf "$reports"
  mkdir -p "$reports"
  ensure_compiler
  ensure_other_languages
  ensure_postgres
  ensure_mariadb
  ensure_nats
  ensure_rabbitmq
  ensure_mosquitto
  ensure_redis
  ensure_prometheus
  ensure_faketime
  ensure_pgbouncer
  ensure_haproxy
  ensure_chromium
  # Each compiles better-sqlite3, on one core.
  together install install_newest
}

install() { step install npm ci; }
install_newest() { step newest-node node test/support/on-node.mjs; }

# The last line adds all suites up: `N passed, N failed`.
conclude() {
  local total
  say "What took how long: $SECONDS s in all"
  cat "$reports/took.txt"
  # What failed comes before the last line.
  total=$(node test/support/reports.mjs "$reports")
  printf '%s\n' "$total"
  total=${total##*$'\n'}
  case $total in
  '0 passed'*) exit 1 ;;
  *' 0 failed') exit 0 ;;
  *) exit 1 ;;
  esac
}
