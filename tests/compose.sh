#!/usr/bin/env bash
# Really runs `docker compose up --wait` and sends a message through. Takes minutes and about 700 MB,
# so it is not part of the default tests: `make compose`.
#
# Uses the Docker engine that is there; where there is none, starts one by hand (Debian's docker.io)
# for as long as this runs. Where images cannot be pulled, it makes stand-ins: a Debian base by
# mmdebstrap, a Postgres by apt, and an image around programs built here. POSTERN_COMPOSE_PULL=1
# uses the real images instead.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/postern-compose.XXXXXX")
project=postern-test-$$
export COMPOSE_PROJECT_NAME=$project POSTERN_IMAGE=postern:test
export POSTERN_SMTP_PORT=22025 POSTERN_SUBMISSION_PORT=22587 POSTERN_SUBMISSIONS_PORT=22465
export POSTERN_IMAP_PORT=22143 POSTERN_IMAPS_PORT=22993 POSTERN_POP3_PORT=22110 POSTERN_POP3S_PORT=22995

say() { printf '== %s (%s s)\n' "$*" "$SECONDS"; }

clean_up() {
  status=$?
  [ "$status" = 0 ] || "${compose[@]}" logs --tail 20 2>/dev/null || true
  "${compose[@]}" down --volumes --timeout 5 >/dev/null 2>&1 || true
  if [ -f "$work/pid" ]; then
    kill "$(cat "$work/pid")" 2>/dev/null || true
    while [ -f "$work/pid" ] && kill -0 "$(cat "$work/pid")" 2>/dev/null; do sleep 0.1; done
  fi
  rm -rf "$work" deploy/docker/prebuilt
  exit "$status"
}
compose=(docker compose)
trap clean_up EXIT

need() { command -v "$1" >/dev/null || missing+=("$2"); }
missing=()
need docker docker.io
need curl curl
if [ -z "${POSTERN_COMPOSE_PULL:-}" ]; then need mmdebstrap mmdebstrap; fi
if ! docker compose version >/dev/null 2>&1; then need docker-compose docker-compose; fi
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
docker compose version >/dev/null 2>&1 || compose=(docker-compose)

if ! docker info >/dev/null 2>&1; then
  say "starting a Docker engine"
  dockerd --data-root "$work/data" --exec-root "$work/exec" -p "$work/pid" -H "unix://$work/d.sock" >"$work/log" 2>&1 &
  export DOCKER_HOST=unix://$work/d.sock
  for _ in $(seq 100); do docker info >/dev/null 2>&1 && break; sleep 0.1; done
  docker info >/dev/null || { tail "$work/log"; exit 1; }
fi

mirror() { # this machine's own source of packages
  { sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null
    sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null
  } | grep -v security | head -n 1
}

stand_ins() {
  say "making a base image"
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' bookworm - \
    "deb [trusted=yes] $(mirror) bookworm main" | docker import - debian:bookworm-slim >/dev/null
  say "making a stand-in for postgres"
  mkdir "$work/postgres"
  cp tests/compose/postgres-entrypoint "$work/postgres/"
  cp tests/compose/postgres.Dockerfile "$work/postgres/Dockerfile"
  DOCKER_BUILDKIT=0 docker build --quiet -t postern-test-postgres "$work/postgres" >/dev/null
  export POSTERN_POSTGRES_IMAGE=postern-test-postgres

  programs=${CARGO_TARGET_DIR:-target}/${POSTERN_COMPOSE_PROFILE:-release}
  [ -x "$programs/postern" ] || make build
  say "taking the programs from $programs"
  mkdir -p deploy/docker/prebuilt
  find "$programs" -maxdepth 1 -type f -executable -name 'postern*' -exec cp {} deploy/docker/prebuilt/ \;
  strip deploy/docker/prebuilt/*
  export POSTERN_BUILD_IMAGE=debian:bookworm-slim POSTERN_PREBUILT=deploy/docker/prebuilt DOCKER_BUILDKIT=0
}
[ -n "${POSTERN_COMPOSE_PULL:-}" ] || stand_ins

say "building the image"
docker build --quiet -f deploy/docker/Dockerfile -t "$POSTERN_IMAGE" \
  --build-arg BUILD_IMAGE="${POSTERN_BUILD_IMAGE:-rust:1.95-bookworm}" --build-arg PREBUILT="${POSTERN_PREBUILT:-}" . >/dev/null

up() {
  if [ "${compose[0]}" = docker ]; then "${compose[@]}" up --detach --wait "$@"; return; fi
  # Version 1 knows no --wait.
  "${compose[@]}" up --detach "$@"
  for _ in $(seq 120); do
    [ -z "$(docker ps --filter "label=com.docker.compose.project=$project" --format '{{.Status}}' | grep -v '(healthy)')" ] && return
    sleep 1
  done
  docker ps
  return 1
}
say "docker compose up --wait"
up
say "everything is healthy"

postern() { "${compose[@]}" exec -T queue postern "$@"; }
postern domain add compose.test
postern user add bob@compose.test --password-stdin <<<"secret"

send() { # SUBJECT
  printf 'From: <a@elsewhere.test>\r\nTo: <bob@compose.test>\r\nSubject: %s\r\n\r\nthrough containers\r\n' "$1" |
    curl -sS --retry 20 --retry-all-errors --retry-delay 1 "smtp://127.0.0.1:$POSTERN_SMTP_PORT/client.test" \
      --mail-from a@elsewhere.test --mail-rcpt bob@compose.test --upload-file -
}
await() { # SUBJECT
  for _ in $(seq 150); do
    if curl -sS -k "imaps://127.0.0.1:$POSTERN_IMAPS_PORT/INBOX" --user bob@compose.test:secret \
      -X "SEARCH SUBJECT $1" 2>/dev/null | grep -q 'SEARCH [0-9]'; then
      return
    fi
    sleep 0.2
  done
  echo "$1 did not arrive" >&2
  return 1
}
send first
await first
say "a message went through"

for service in queue mailbox-store delivery postgres; do
  docker kill --signal KILL "$("${compose[@]}" ps -q $service)" >/dev/null
  # An orderly `kill` counts as the owner's wish; a crash is started again by the engine.
  "${compose[@]}" up --detach $service >/dev/null 2>&1
done
up
send second
await second
say "and another one, after four containers were killed"

up --scale delivery=4
[ "$("${compose[@]}" ps -q delivery | wc -l)" = 4 ]
send third
await third
say "and with four workers"

if send relayed 2>/dev/null && printf 'Subject: x\r\n\r\nx\r\n' |
  curl -sS "smtp://127.0.0.1:$POSTERN_SMTP_PORT/client.test" --mail-from a@x.test --mail-rcpt b@elsewhere.test --upload-file - 2>/dev/null; then
  echo "relayed for a stranger" >&2
  exit 1
fi
say "nothing is relayed for strangers"
echo "1 passed, 0 failed"
