#!/usr/bin/env bash
# Really runs `docker compose up --wait` and sends messages through. Takes minutes and about 700 MB,
# so it is not part of the default tests: `make compose`.
#
# Uses the Docker engine that is there; where there is none, starts one by hand (Debian's docker.io)
# for as long as this runs. Where images cannot be pulled, it makes stand-ins: a Debian base by
# mmdebstrap, a Postgres by apt, and an image around programs built here. POSTERN_COMPOSE_PULL=1
# uses the real images instead. POSTERN_COMPOSE_WORK=DIR keeps what was made for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."

work=${POSTERN_COMPOSE_WORK:-$(mktemp -d "${TMPDIR:-/tmp}/postern-compose.XXXXXX")}
mkdir -p "$work"
export COMPOSE_PROJECT_NAME=postern-test-$$ POSTERN_IMAGE=postern:test
export POSTERN_SMTP_PORT=22025 POSTERN_SUBMISSION_PORT=22587 POSTERN_SUBMISSIONS_PORT=22465
export POSTERN_IMAP_PORT=22143 POSTERN_IMAPS_PORT=22993 POSTERN_POP3_PORT=22110 POSTERN_POP3S_PORT=22995

say() { printf '== %s (%s s)\n' "$*" "$SECONDS"; }

engine=
clean_up() {
  status=$?
  if [ "$status" != 0 ]; then docker compose logs --tail 20 2>/dev/null || true; fi
  docker compose down --volumes --timeout 5 >/dev/null 2>&1 || true
  if [ -n "$engine" ]; then
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
  fi
  rm -rf deploy/docker/prebuilt
  [ -n "${POSTERN_COMPOSE_WORK:-}" ] || rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }

# This machine's own source of packages.
mirror() {
  {
    sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null
    sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
  } | grep '/debian/\?$' | head -n 1
}

install_tools() {
  need docker docker.io
  need curl curl
  if [ -z "${POSTERN_COMPOSE_PULL:-}" ]; then need mmdebstrap mmdebstrap; fi
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
}

# Debian 12 has version 1 of Compose, without --wait; Debian 13's version 2 runs on it as a plug-in.
install_compose() {
  if docker compose version >/dev/null 2>&1; then return; fi
  say "taking Compose 2 from Debian 13"
  mkdir -p "$work/apt/lists/partial"
  echo "deb [trusted=yes] $(mirror) trixie main" >"$work/apt/trixie.list"
  local elsewhere=(-qq -o "Dir::Etc::SourceList=$work/apt/trixie.list" -o Dir::Etc::SourceParts=-
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o APT::Sandbox::User=root)
  apt-get "${elsewhere[@]}" update
  (cd "$work/apt" && apt-get "${elsewhere[@]}" download docker-compose)
  dpkg-deb -x "$work"/apt/docker-compose_*.deb "$work/compose"
  export DOCKER_CONFIG=$work/docker-config
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  ln -sf "$(find "$work/compose" -type f -path "*/cli-plugins/docker-compose")" "$DOCKER_CONFIG/cli-plugins/docker-compose"
  docker compose version
}

start_engine() {
  if docker info >/dev/null 2>&1; then return; fi
  say "starting a Docker engine"
  rm -f "$work/pid"
  dockerd --data-root "$work/data" --exec-root "$work/exec" -p "$work/pid" -H "unix://$work/d.sock" >"$work/log" 2>&1 &
  engine=$!
  export DOCKER_HOST=unix://$work/d.sock
  for _ in $(seq 300); do
    docker info >/dev/null 2>&1 && return
    sleep 0.1
  done
  tail "$work/log"
  return 1
}

make_stand_ins() {
  # The newer builder looks for base images in a registry even when they are here.
  export DOCKER_BUILDKIT=0
  if ! docker image inspect debian:bookworm-slim >/dev/null 2>&1; then
    say "making a base image"
    mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --aptopt='Acquire::Check-Valid-Until "false"' \
      bookworm - "deb [trusted=yes] $(mirror) bookworm main" | docker import - debian:bookworm-slim >/dev/null
  fi
  say "making a stand-in for postgres"
  docker build --quiet -t postern-test-postgres -f tests/compose/postgres.Dockerfile tests/compose >/dev/null
  export POSTERN_POSTGRES_IMAGE=postern-test-postgres

  local programs=${CARGO_TARGET_DIR:-target}/${POSTERN_COMPOSE_PROFILE:-release}
  [ -x "$programs/postern" ] || make build
  say "taking the programs from $programs"
  mkdir -p deploy/docker/prebuilt
  find "$programs" -maxdepth 1 -type f -executable -name 'postern*' -exec cp {} deploy/docker/prebuilt/ \;
  strip deploy/docker/prebuilt/*
  export POSTERN_BUILD_IMAGE=debian:bookworm-slim POSTERN_PREBUILT=deploy/docker/prebuilt
}

compose() { docker compose --progress quiet "$@"; }

postern() { docker compose exec -T queue postern "$@"; }

submit() { # RECIPIENT SUBJECT: from a stranger, by SMTP
  printf 'From: <a@elsewhere.test>\r\nTo: <%s>\r\nSubject: %s\r\n\r\nthrough containers\r\n' "$1" "$2" |
    curl -sS --max-time 30 "smtp://127.0.0.1:$POSTERN_SMTP_PORT/client.test" \
      --mail-from a@elsewhere.test --mail-rcpt "$1" --upload-file -
}

goes_through() { # SUBJECT: it is taken, and stands in the mailbox
  for _ in $(seq 60); do
    submit bob@compose.test "$1" && break
    sleep 1
  done
  for _ in $(seq 150); do
    if curl -sS -k --max-time 10 "imaps://127.0.0.1:$POSTERN_IMAPS_PORT/INBOX" --user bob@compose.test:secret \
      -X "SEARCH SUBJECT $1" 2>/dev/null | grep -q 'SEARCH [0-9]'; then
      say "the $1 message went through"
      return
    fi
    sleep 0.2
  done
  echo "the $1 message did not arrive" >&2
  return 1
}

install_tools
start_engine
install_compose
[ -n "${POSTERN_COMPOSE_PULL:-}" ] || make_stand_ins

say "docker compose build"
compose build --quiet >/dev/null
say "docker compose up --wait"
compose up --detach --wait
say "everything is healthy"
postern domain add compose.test
postern user add bob@compose.test --password-stdin <<<"secret"
goes_through first

for service in queue mailbox-store delivery postgres; do
  docker kill --signal KILL "$(docker compose ps -q $service)" >/dev/null
done
say "killed four containers"
compose up --detach --wait
goes_through second

compose up --detach --wait --scale delivery=4
[ "$(docker compose ps -q delivery | wc -l)" = 4 ]
goes_through third

if submit b@elsewhere.test relayed 2>/dev/null; then
  echo "relayed for a stranger" >&2
  exit 1
fi
say "nothing is relayed for strangers"
echo "1 passed, 0 failed"
