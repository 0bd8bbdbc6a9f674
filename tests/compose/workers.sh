# Several delivery workers side by side, and a remote server that answers after three seconds: each message
# goes out once, whatever is scaled meanwhile. Sourced by tests/compose.sh.

postern policy apply - <<'POLICY'
[[gateway]]
name = "slow"
hosts = ["sink:2525"]
tls = "opportunistic"

[[domain]]
name = "compose.test"
deliver = "mailboxes"

[[domain]]
name = "slow.test"
deliver = { gateway = "slow" }
from = "trusted"
POLICY

workers() { # NUMBER
  compose up --detach --wait --scale "delivery=$1" delivery
  status_in queue "there are $1 workers" "status['queue']['workers'] == $1
    and [process['serving_replicas'] for process in status['processes'] if process['name'] == 'delivery'] == [$1]"
  say "$1 delivery workers"
}

send_slow() { # FIRST LAST
  for number in $(seq "$1" "$2"); do submit_as_bob "x@slow.test" "slow-$number"; done
}

taken() { compose exec -T sink cat /tmp/taken; }

all_taken() { [ "$(taken | sort -u | wc -l)" -ge "$1" ]; }

workers 4
send_slow 1 20
workers 1
send_slow 21 25
workers 4
send_slow 26 40
until_done 90 "40 messages reach the slow server" all_taken 40
status_in queue "nothing waits" 'status["queue"]["messages"] == 0'
if [ "$(taken | wc -l)" != 40 ]; then
  echo "the slow server got messages more than once:" >&2
  taken | sort | uniq -c | sort -rn | head >&2
  exit 1
fi
say "each of 40 messages reached the slow server once"
goes_through third
