# Messages through the system that runs in containers. Sourced by tests/compose.sh.

postern() { compose exec -T queue postern "$@"; }

message() { # FROM RECIPIENT SUBJECT
  printf 'From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\n\r\nthrough containers\r\n' "$@"
}

submit() { # RECIPIENT SUBJECT: from a stranger, by SMTP
  message a@elsewhere.test "$1" "$2" |
    beside_engine curl -sS --max-time 30 "smtp://127.0.0.1:$POSTERN_SMTP_PORT/client.test" \
      --mail-from a@elsewhere.test --mail-rcpt "$1" --upload-file -
}

submit_as_bob() { # RECIPIENT SUBJECT: from a user, by submission
  message bob@compose.test "$1" "$2" |
    beside_engine curl -sS -k --max-time 30 "smtps://127.0.0.1:$POSTERN_SUBMISSIONS_PORT/client.test" \
      --user bob@compose.test:secret --mail-from bob@compose.test --mail-rcpt "$1" --upload-file -
}

until_done() { # SECONDS WHAT COMMAND…
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if [ "$SECONDS" -ge "$end" ]; then
      echo "not within the time given: $what" >&2
      return 1
    fi
    sleep 0.2
  done
}

in_mailbox() { # SUBJECT
  beside_engine curl -sS -k --max-time 10 "imaps://127.0.0.1:$POSTERN_IMAPS_PORT/INBOX" --user bob@compose.test:secret \
    -X "SEARCH SUBJECT $1" 2>/dev/null | grep -q 'SEARCH [0-9]'
}

goes_through() { # SUBJECT: it is taken, and stands in the mailbox
  # Refused while what was killed comes back: said at the end, if that lasts.
  until_done 60 "the $1 message is taken" submit bob@compose.test "$1" 2>"$work/refusals" || { tail -n 3 "$work/refusals" >&2; return 1; }
  until_done 30 "the $1 message is delivered" in_mailbox "$1"
  say "the $1 message went through"
}

# Whether `postern status` says so now.
status_says() { # SERVICE PYTHON-EXPRESSION over `status`
  status_said=$(compose exec -T "$1" postern status --json) || true
  python3 -c 'import json, sys
status = json.loads(sys.argv[1])
sys.exit(0 if eval(sys.argv[2]) else 1)' "$status_said" "($2)"
}

# `postern status` in the container of SERVICE says so before long.
status_in() { # SERVICE WHAT PYTHON-EXPRESSION
  until_done 60 "status in $1 says that $2" status_says "$1" "$3" || { echo "$status_said" >&2; return 1; }
}
