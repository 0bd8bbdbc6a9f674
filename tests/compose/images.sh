# Stand-ins for images that cannot be pulled, and the programs for our own. Sourced by tests/compose.sh.

archives=${POSTERN_COMPOSE_ARCHIVES:-$work}
base=postern-test-base:$$ postgres=postern-test-postgres:$$

# This machine's release of Debian, or a new one: the programs that were built here need as new a C library.
suite() { (. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || echo trixie; }

bootstrap() { # NAME OPTION…
  local archive=$archives/$1.tar unfinished=$archives/unfinished-$1.tar
  shift
  if [ -s "$archive" ]; then return; fi
  # In mounts of its own: what it mounts while it works is gone with it, however it ends.
  TMPDIR=$work setpriv --pdeathsig KILL unshare --mount --propagation private --fork --kill-child \
    mmdebstrap --quiet --variant=minbase --dpkgopt=force-unsafe-io --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$@" \
    "$(suite)" "$unfinished" "deb [trusted=yes] $(mirror) $(suite) main"
  mv "$unfinished" "$archive"
}

# Made on this machine and imported: the engine needs no way to a registry or to the Internet.
make_stand_ins() {
  say "making a base image, and a stand-in for postgres"
  mkdir -p "$archives"
  bootstrap base &
  local base_made=$!
  bootstrap postgres --include=postgresql,python3-minimal
  wait "$base_made"
  docker import "$archives/base.tar" "$base" >/dev/null
  docker import "$archives/postgres.tar" "$postgres" >/dev/null
  docker build --quiet --network none --build-arg "BASE=$postgres" -t "$postgres" tests/compose >"$work/build.log" 2>&1 ||
    { cat "$work/build.log" >&2; return 1; }
  export POSTERN_POSTGRES_IMAGE=$postgres POSTERN_SINK_IMAGE=$postgres
  export POSTERN_BUILD_IMAGE=$base POSTERN_RUN_IMAGE=$base
}

# Debug programs serve as well. Those that CI has built for the other tests are taken as they are.
take_programs() {
  local programs=${POSTERN_COMPOSE_PROGRAMS:-}
  if [ -z "$programs" ]; then
    say "building the programs"
    cargo build --bins --locked
    programs=${CARGO_TARGET_DIR:-target}/debug
  fi
  say "taking the programs from $programs"
  mkdir -p "$prebuilt"
  find "$programs" -maxdepth 1 -type f -executable -name 'postern*' -print0 |
    xargs -0 -P 2 -I {} sh -c 'strip -o "$0/$(basename "$1")" "$1"' "$prebuilt" {}
  export POSTERN_PREBUILT=$prebuilt
}
