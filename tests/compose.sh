#!/usr/bin/env bash
# Really runs `docker compose up --wait`: sends messages through, kills containers, scales workers.
# About three minutes and 700 MB. `make compose`; CI runs it after the other tests.
#
# As root on Debian nothing needs to be there: tools are installed, an engine is started where none
# can be reached (tests/compose/engine.sh), and images are made here instead of being pulled
# (tests/compose/images.sh). Nothing is left behind but the packages.
#
#   POSTERN_COMPOSE_PROGRAMS=DIR   take the programs in DIR instead of building them
#   POSTERN_COMPOSE_ARCHIVES=DIR   keep the stand-ins in DIR, and take those that are there
#   POSTERN_COMPOSE_PULL=1         pull the real images, and build ours as a user would
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/postern-compose.XXXXXX")
prebuilt=deploy/docker/prebuilt
export COMPOSE_PROJECT_NAME=postern-test-$$ POSTERN_IMAGE=postern:test-$$
export COMPOSE_FILE=docker-compose.yml:tests/compose/sink.yml
export POSTERN_SMTP_PORT=22025 POSTERN_SUBMISSION_PORT=22587 POSTERN_SUBMISSIONS_PORT=22465
export POSTERN_IMAP_PORT=22143 POSTERN_IMAPS_PORT=22993 POSTERN_POP3_PORT=22110 POSTERN_POP3S_PORT=22995

say() { printf '== %s (%s s)\n' "$*" "$SECONDS"; }

. tests/compose/engine.sh
. tests/compose/images.sh
. tests/compose/mail.sh

clean_up() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  if [ "$status" != 0 ]; then
    timeout 20 docker compose ps --all 2>/dev/null || true
    timeout 20 docker compose logs --no-color --tail 20 2>/dev/null || true
  fi
  # An engine of our own takes all with it.
  if [ -z "$engine" ]; then
    timeout 120 docker compose down --volumes --timeout 5 >/dev/null 2>&1 || true
    docker image rm "$POSTERN_IMAGE" "$base" "$postgres" >/dev/null 2>&1 || true
  fi
  stop_engine
  rm -rf --one-file-system "$prebuilt" "$work"
  say "cleaned up"
  exit "$status"
}
trap clean_up EXIT

compose() { docker compose --progress quiet "$@"; }

install_tools
start_engine
install_compose
if [ -z "${POSTERN_COMPOSE_PULL:-}" ]; then
  # The newer builder looks for base images in a registry even when they are here.
  export DOCKER_BUILDKIT=0
  make_stand_ins
  take_programs
fi

say "docker compose build"
compose build --quiet >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
say "docker compose up --wait"
compose up --detach --wait
say "everything is healthy"
postern domain add compose.test
postern user add bob@compose.test --password-stdin <<<"secret"
goes_through first

# From each container that has the command line's certificate, every process is found.
for service in queue mailbox-store; do
  status_in $service "seven processes serve" 'status["well"] and len(status["processes"]) == 7
    and all(process["serving"] for process in status["processes"])'
done
compose stop pop3 2>/dev/null
status_in queue "pop3 is not reachable" 'not status["well"]
  and [process["name"] for process in status["processes"] if process["state"] == "unreachable"] == ["pop3"]'
compose start pop3 2>/dev/null
say "status says what runs"

# The engine starts again what has died, without being asked.
for service in queue mailbox-store delivery smtp-server; do
  compose exec -T "$service" sh -c 'kill -9 -1' || true
done
docker kill --signal KILL "$(compose ps -q postgres)" >/dev/null
say "killed five containers"
compose up --detach --wait postgres
goes_through second

. tests/compose/workers.sh

if submit b@elsewhere.test relayed 2>/dev/null; then
  echo "relayed for a stranger" >&2
  exit 1
fi
say "nothing is relayed for strangers"
say "done"
echo "1 passed, 0 failed"
