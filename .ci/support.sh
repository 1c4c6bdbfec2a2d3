# What both scripts of this folder need: the servers and tools of the tests, and the counting of results.
# Brings up databases and brokers where they are missing or down (Debian and its kin).
exec </dev/null
export CI=true

reports=.cache/reports
# Twice what the longest step of a run before a merge takes on a slow machine; one of the nightly run may take hours.
most_seconds=${most_seconds:-1200}
postgres_url=${TEST_POSTGRES_URL:-postgres://postgres@127.0.0.1:5432/postgres}

# Each says how long the run has taken so far.
say() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }
is_there() { command -v "$1" >/dev/null 2>&1; }
is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }
as_postgres() { if [ "$(id -u)" -eq 0 ]; then su postgres -s /bin/sh -c "$1"; else sudo -n -u postgres sh -c "$1"; fi; }

# What is missing is installed in one go: asking for the lists of packages takes longer than most of them.
missing=()
lacks() { missing+=("$@"); }
install_packages() {
  [ ${#missing[@]} -gt 0 ] || return 0
  say "Installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

wait_for() {
  for _ in $(seq 60); do
    is_open "$1" && return
    sleep 0.5
  done
  echo "Nothing answers on port $1."
  return 1
}

# Whether a server is for this machine to start: nobody named another one, and nothing answers.
is_ours_to_start() { [ -z "$1" ] && ! is_open "$2"; }
start_daemon() { as_root start-stop-daemon --start --background "$@"; }
# Debian keeps servers where only root's PATH leads.
server_path() { command -v "$1" || echo "$2/$1"; }
is_installed() { [ -x "$(server_path "$1" "$2")" ]; }

# better-sqlite3 is compiled where no ready-made binary can be downloaded.
look_for_compiler() {
  is_there python3 || lacks python3
  is_there make || lacks make
  is_there g++ || lacks g++
}

look_for_tools() {
  # Services in Python and Ruby read the library's tokens; Debian's interpreters know Debian's libraries.
  "${TEST_PYTHON:-/usr/bin/python3}" -c 'import jwt, cryptography' 2>/dev/null ||
    lacks python3 python3-jwt python3-cryptography
  "${TEST_RUBY:-/usr/bin/ruby}" -e 'require "jwt"; require "rbnacl"' 2>/dev/null || lacks ruby ruby-jwt ruby-rbnacl
  # It scrapes what the recipe for it measures; each test starts its own.
  [ -n "${TEST_PROMETHEUS:-}" ] || is_installed prometheus /usr/bin || lacks prometheus
  # The proof of clocks moves those of its processes; those of poolers and of fail-overs start their own.
  is_there faketime || lacks faketime
  is_installed pgbouncer /usr/sbin || lacks pgbouncer
  is_installed haproxy /usr/sbin || lacks haproxy
  # The browser of the tests in test/browser.
  [ -n "${TEST_CHROMIUM:-}" ] || is_there chromium || lacks chromium
}

# The proof on a cluster starts its nodes, which copy the first one's data.
look_for_galera() {
  [ -e /usr/lib/galera/libgalera_smm.so ] && is_there rsync || lacks galera-4 rsync mariadb-server
}

has_cluster() { is_there pg_ctlcluster && [ -n "$(ls /etc/postgresql 2>/dev/null)" ]; }

look_for_servers() {
  ! is_ours_to_start "${TEST_POSTGRES_URL:-}" 5432 || has_cluster || lacks postgresql
  ! is_ours_to_start "${TEST_MARIADB_URL:-}" 3306 || is_installed mariadbd /usr/sbin || lacks mariadb-server
  # Brokers of messages, which anybody on this machine may use; Redis tells the processes of an application of ends.
  ! is_ours_to_start "${TEST_NATS_URL:-}" 4222 || is_installed nats-server /usr/sbin || lacks nats-server
  ! is_ours_to_start "${TEST_RABBITMQ_URL:-}" 5672 || is_installed rabbitmq-server /usr/sbin || lacks rabbitmq-server
  ! is_ours_to_start "${TEST_MQTT_URL:-}" 1883 || is_installed mosquitto /usr/sbin || lacks mosquitto
  ! is_ours_to_start "${TEST_REDIS_URL:-}" 6379 || is_installed redis-server /usr/bin || lacks redis-server
}

start_postgres() {
  is_ours_to_start "${TEST_POSTGRES_URL:-}" 5432 || return 0
  say 'Starting PostgreSQL'
  local version
  version=$(ls /etc/postgresql | sort -V | tail -n 1)
  as_root pg_ctlcluster --skip-systemctl-redirect "$version" main start
  wait_for 5432
}

# The first line of those that match counts.
trust_in_postgres() {
  [ -z "${TEST_POSTGRES_URL:-}" ] || return 0
  psql --no-password "$postgres_url" -c 'SELECT 1' >/dev/null 2>&1 && return
  local version
  version=$(ls /etc/postgresql | sort -V | tail -n 1)
  as_root sed -i '1i host all postgres 127.0.0.1/32 trust' "/etc/postgresql/$version/main/pg_hba.conf"
  as_postgres "psql -q -c 'SELECT pg_reload_conf()'" >/dev/null
}

start_mariadb() {
  is_ours_to_start "${TEST_MARIADB_URL:-}" 3306 || return 0
  say 'Starting MariaDB'
  as_root install -d -o mysql -g mysql /run/mysqld
  start_daemon --oknodo --exec /usr/sbin/mariadbd -- --user=mysql
  wait_for 3306
}

# Over the socket the system's root stays who it is; over TCP the password is empty.
trust_in_mariadb() {
  [ -z "${TEST_MARIADB_URL:-}" ] || return 0
  mariadb --protocol=tcp -h 127.0.0.1 -u root -e 'SELECT 1' >/dev/null 2>&1 && return
  as_root mariadb -u root <<'SQL'
ALTER USER root@localhost IDENTIFIED VIA mysql_native_password USING '' OR unix_socket;
CREATE USER IF NOT EXISTS root@127.0.0.1 IDENTIFIED VIA mysql_native_password USING '';
GRANT ALL PRIVILEGES ON *.* TO root@127.0.0.1 WITH GRANT OPTION;
SQL
}

start_brokers() {
  if is_ours_to_start "${TEST_NATS_URL:-}" 4222; then
    say 'Starting NATS'
    start_daemon --make-pidfile --pidfile /run/nats-server-tests.pid \
      --exec "$(server_path nats-server /usr/sbin)" -- -a 127.0.0.1 -p 4222
    wait_for 4222
  fi
  if is_ours_to_start "${TEST_RABBITMQ_URL:-}" 5672; then
    say 'Starting RabbitMQ'
    start_daemon --exec "$(server_path rabbitmq-server /usr/sbin)"
    wait_for 5672
  fi
  if is_ours_to_start "${TEST_MQTT_URL:-}" 1883; then
    say 'Starting Mosquitto'
    # Without a configuration it lets this machine in, and no other.
    start_daemon --exec "$(server_path mosquitto /usr/sbin)" -- -p 1883
    wait_for 1883
  fi
  if is_ours_to_start "${TEST_REDIS_URL:-}" 6379; then
    say 'Starting Redis'
    start_daemon --exec "$(server_path redis-server /usr/bin)" -- \
      --bind 127.0.0.1 --port 6379 --save '' --appendonly no
    wait_for 6379
  fi
}

# Runs a command, and says what it took: on the clock, and of processors, by all processes that it waited for. Databases
# and brokers are not among these. One that takes far too long is ended, and says what it was doing.
timed() {
  local name=$1 status took out err wall user sys TIMEFORMAT='%R %U %S'
  shift
  [ "$(type -t "$1")" = function ] || set -- node test/support/limited.mjs "$most_seconds" "$@"
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

# Runs functions side by side, as one of them leaves a core idle. What the first prints comes first.
together() {
  local first=$1 logs=() others=() name log at
  shift
  for name in "$@"; do
    log=$(mktemp)
    # A process group of its own, so that nothing of it stays when this run is cut short.
    set -m
    ("$name") >"$log" 2>&1 &
    others+=($!)
    logs+=("$log")
    set +m
  done
  trap 'for other in '"${others[*]}"'; do kill -- "-$other" 2>/dev/null; done' EXIT
  # In a subshell too: the time of a step is that of its own processes.
  ("$first")
  for at in "${!others[@]}"; do
    wait "${others[at]}"
    cat "${logs[at]}"
    rm "${logs[at]}"
  done
  trap - EXIT
}

# What else is to be looked for may be named.
prepare() {
  rm -rf "$reports"
  mkdir -p "$reports"
  look_for_compiler
  install_packages
  missing=()
  also=$*
  # The first two compile better-sqlite3, each on one core; the last waits for disks and servers.
  together install install_newest machine
}

# SQLite is compiled twice: what optimising it takes, the tests would not win back.
quickly=(env CFLAGS=-O0 CXXFLAGS=-O0)
install() { step install "${quickly[@]}" npm ci; }
install_newest() { step newest-node "${quickly[@]}" node test/support/on-node.mjs; }
machine() { step machine make_ready; }
make_ready() {
  look_for_tools
  look_for_servers
  for look in $also; do "$look"; done
  local failed=0 part
  # Each is tried, also when one before it failed: what needs that says so too.
  for part in install_packages start_postgres trust_in_postgres start_mariadb trust_in_mariadb start_brokers; do
    "$part" || failed=1
  done
  return $failed
}

# The last line adds all suites up: `N passed, N failed`.
conclude() {
  local total
  say "What took how long"
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
