# What `docker compose` needs: tools, an engine, and Compose 2. Sourced by tests/compose.sh.
#
# An engine that can be reached is used as it is. Otherwise one is started for as long as the test
# runs, in namespaces of its own: its bridges, packet filters, mounts and containers are not the
# machine's, and are gone when it ends, even when this shell is killed.

engine=         # The process that holds the namespaces, if the engine is ours.
engine_init=    # The first process within them.
cgroup=postern-compose-$$

missing=()
need() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null || missing+=("$2"); }

engine_answers() { command -v docker >/dev/null && docker info >/dev/null 2>&1; }

install_tools() {
  # A client without an engine is of no use.
  engine_answers || { need dockerd docker.io; need ip iproute2; }
  need docker docker.io
  need curl curl
  need python3 python3
  [ -n "${POSTERN_COMPOSE_PULL:-}" ] || need mmdebstrap mmdebstrap
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Please install (Debian's names): ${missing[*]}" >&2
    return 1
  fi
  say "installing ${missing[*]}"
  apt-get update -qq
  # Since Debian 13 the client is a package of its own.
  if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then missing+=(docker-cli); fi
  # Docker's package would start a service, which would be left running.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    made=1
  fi
  local status=0
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$work/apt.log" 2>&1 || status=$?
  [ -z "$made" ] || rm -f "$policy"
  [ "$status" = 0 ] || tail "$work/apt.log" >&2
  return "$status"
}

start_engine() {
  if engine_answers; then return; fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "No Docker engine can be reached, and starting one takes root." >&2
    return 1
  fi
  say "starting a Docker engine"
  local start="ip link set lo up && exec dockerd --data-root '$work/data' --exec-root '$work/exec' \
    --pidfile '$work/pid' --host 'unix://$work/d.sock' --cgroup-parent '/$cgroup'"
  PATH="$PATH:/usr/sbin:/sbin" setpriv --pdeathsig KILL \
    unshare --net --pid --mount --propagation private --fork --kill-child --mount-proc \
    sh -c "$start" >"$work/engine.log" 2>&1 &
  engine=$!
  export DOCKER_HOST=unix://$work/d.sock
  for _ in $(seq 300); do
    if docker info >/dev/null 2>&1; then
      engine_init=$(cat "/proc/$engine/task/$engine/children")
      engine_init=${engine_init%% *}
      return
    fi
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.1
  done
  tail "$work/engine.log" >&2
  return 1
}

# Runs a program where the published ports are.
beside_engine() {
  if [ -n "$engine_init" ]; then
    nsenter --net="/proc/$engine_init/ns/net" "$@"
  else
    "$@"
  fi
}

stop_engine() {
  [ -n "$engine" ] || return 0
  # unshare lets no other signal through.
  kill -KILL "$engine" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
  # The kernel keeps control groups when their processes have ended, and some end a moment later.
  for _ in $(seq 50); do
    find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null || true
    [ -n "$(find /sys/fs/cgroup -maxdepth 2 -name "$cgroup")" ] || break
    sleep 0.1
  done
}

# Debian 12 has version 1 of Compose, without --wait; Debian 13's version 2 runs on it as a plug-in.
install_compose() {
  if docker compose version >/dev/null 2>&1; then return; fi
  say "taking Compose 2 from Debian 13"
  export DOCKER_CONFIG=$work/docker-config
  mkdir -p "$work/apt/lists/partial" "$DOCKER_CONFIG/cli-plugins"
  echo "deb [trusted=yes] $(mirror) trixie main" >"$work/apt/trixie.list"
  local elsewhere=(-qq -o "Dir::Etc::SourceList=$work/apt/trixie.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o APT::Sandbox::User=root)
  apt-get "${elsewhere[@]}" update
  (cd "$work/apt" && apt-get "${elsewhere[@]}" download docker-compose)
  dpkg-deb -x "$work"/apt/docker-compose_*.deb "$work/compose"
  ln -sf "$(find "$work/compose" -type f -path "*/cli-plugins/docker-compose")" "$DOCKER_CONFIG/cli-plugins/docker-compose"
  docker compose version
}

# This machine's own source of Debian packages, or Debian's.
mirror() {
  {
    sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null
    sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
    echo http://deb.debian.org/debian
  } | grep '/debian/\?$' | head -n 1
}
