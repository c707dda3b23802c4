#!/bin/bash
# The whole path on this machine: an unmodified curl and an unmodified OpenAI SDK call an address that nobody serves;
# the kernel captures the connection, the proxy finds the model, and two mock engines answer. Nothing stays behind.
set -euo pipefail
cd "$(dirname "$0")/../.."

BIN=${MODELBROKER_BIN:-.build/release}
BIN=$(cd "$BIN" && pwd)
PYTHON=$(pwd)/.build/venv/bin/python
CHAT=$(pwd)/Tests/Demo/chat.py
NAME=modelbroker-demo-$$
DIALLED=127.64.0.10:8000

if [ "$(id -u)" -ne 0 ]; then
    echo "demo: run it as root, the kernel's part needs that: sudo make demo" >&2
    exit 1
fi

CGROUP2=$(awk '$0 ~ / - cgroup2 / {print $5; exit}' /proc/self/mountinfo)
if [ -z "$CGROUP2" ]; then
    echo "demo: cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup" >&2
    exit 1
fi
CGROUP=$CGROUP2/$NAME
BPFFS=/sys/fs/bpf
PINS=$BPFFS/$NAME
HAD_BPFFS=$(mountpoint -q "$BPFFS" && echo yes || true)
WORK=$(mktemp -d "/tmp/$NAME.XXXXXX")
chmod 755 "$WORK"
PIDS=()

bold() { if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi; }
say() { printf '   %s\n' "$*"; }
show() { sed -u 's/^/   | /'; }

# Runs a command as the application would: in the captured cgroup, knowing nothing of the broker.
captured() { bash -c 'echo $$ > "$0/app/cgroup.procs" && exec "$@"' "$CGROUP" "$@"; }
cli() { "$BIN/modelbroker" "$@" --run-dir "$WORK/run" --pin-dir "$PINS"; }

# until_true SECONDS COMMAND...: polls.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}

members() { cat "$CGROUP"/cgroup.procs "$CGROUP"/*/cgroup.procs "$CGROUP"/*/*/cgroup.procs "$CGROUP"/*/*/*/cgroup.procs 2>/dev/null || true; }
empty() { [ -z "$(members)" ]; }

proxy_gone() { [ -z "${PROXY:-}" ] || [ ! -e "/proc/$PROXY" ]; }

take_down() {
    cli detach >"$WORK/detach.log" 2>&1 || true
    local pid
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do kill "$pid" 2>/dev/null || true; done
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do wait "$pid" 2>/dev/null || true; done
    # Whoever is still in the demo's own cgroup is the demo's.
    for pid in $(members); do kill -9 "$pid" 2>/dev/null || true; done
    until_true 5 empty || true
    until_true 5 proxy_gone || true
    find "$CGROUP" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    rm -rf "$PINS"
    # The agent mounted it for the demo; the two files that the kernel puts into each such file system are nobody's pins.
    if [ -z "$HAD_BPFFS" ] && mountpoint -q "$BPFFS" && ! ls "$BPFFS" | grep -qvE '^(maps|progs)\.debug$'; then umount "$BPFFS"; fi
}

# Prints whatever of the demo is still there.
left_behind() {
    [ ! -e "$PINS" ] || echo "pins $PINS"
    [ -n "$HAD_BPFFS" ] || ! mountpoint -q "$BPFFS" || echo "mount $BPFFS"
    [ ! -e "$CGROUP" ] || echo "cgroup $CGROUP"
    [ ! -e "$WORK" ] || echo "directory $WORK"
    local pid
    for pid in ${PIDS[@]+"${PIDS[@]}"} ${PROXY:-}; do
        [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status" || echo "process $pid"
    done
    diff <(echo "$DEVICES") <(devices) | sed -n 's/^> /device or address /p'
}

devices() { ip -o link | awk -F': ' '{print $2}'; ip -o address | awk '{print $2, $4}'; }

finish() {
    local status=$?
    trap - EXIT
    set +e
    bold "Cleaning up"
    take_down
    if [ $status -ne 0 ] && [ -s "$WORK/agent.log" ]; then
        say "the agent's log:"
        tail -20 "$WORK/agent.log" | show
    fi
    rm -rf "$WORK"
    local left
    left=$(left_behind)
    if [ -n "$left" ]; then
        say "left behind:"
        echo "$left" | show
        status=1
    else
        say "no process, pin, cgroup or device is left."
    fi
    exit $status
}

DEVICES=$(devices)
trap finish EXIT
trap 'exit 130' INT TERM

free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
listening() { grep -qs '^listening on ' "$1"; }

# engine NAME MODELS: starts a mock engine; its address is then in ENGINE.
engine() {
    "$BIN/mock-engine" --name "$1" --models "$2" --tokens 12 --ttft 80ms --itl 80ms >"$WORK/$1.log" 2>&1 &
    PIDS+=($!)
    until_true 10 listening "$WORK/$1.log" || { show <"$WORK/$1.log"; return 1; }
    ENGINE=$(sed -n 's/^listening on //p' "$WORK/$1.log")
    say "$1 serves $2 at $ENGINE"
}

bold "Two inference engines (mock), each with a model of its own and one that both serve"
engine engine-one llama-8b,llama-70b
ONE=$ENGINE
engine engine-two qwen-32b,llama-70b
TWO=$ENGINE

bold "The broker: one capture rule, four models, one of them asleep, a pool of two, two clients and a group"
mkdir -p "$CGROUP/app" "$WORK/run"
ADMIN=$(free_port)
LISTEN=$(free_port)
GATEWAY=$(free_port)
SLEEPER=$(free_port)
cat >"$WORK/modelbroker.yaml" <<YAML
node:
  cgroup: /$NAME
  listen: ["127.0.0.1:$LISTEN", "[::1]:$LISTEN"]
  admin: 127.0.0.1:$ADMIN
  gateway: 127.0.0.1:$GATEWAY
capture:
  - {name: llm, to: ["127.64.0.0/16:8000"], path: proxy, whenProxyDown: refuse, unknown: refuse}
models:
  llama-8b: {endpoints: [{url: "http://$ONE"}]}
  qwen-32b: {endpoints: [{url: "http://$TWO"}]}
  llama-70b: {endpoints: [{url: "http://$ONE"}, {url: "http://$TWO"}]}
  sleeper:
    queue: {comments: 300ms}
    endpoints:
      - url: "http://127.0.0.1:$SLEEPER"
        maxInFlight: 1
        activate:
          exec: [$BIN/mock-engine, --port, "$SLEEPER", --name, sleeper, --models, sleeper, --tokens, "4", --start-delay, 800ms, --loading, 700ms]
          readyTimeout: 20s
          idleAfter: 2s
groups:
  urgent: {priority: 10, weight: 4}
pools:
  chat: {models: [llama-8b, qwen-32b], breaker: {failures: 1}}
clients:
  app: {workloads: ["/$NAME/app"], group: urgent, quotas: {day: {tokens: 100000}}}
  visitor: {allow: [llama-8b], limits: {requests: 60/m}, quotas: {day: {tokens: 1000}}}
YAML
show <"$WORK/modelbroker.yaml"
"$BIN/modelbrokerd" --config "$WORK/modelbroker.yaml" --run-dir "$WORK/run" --pin-dir "$PINS" --state-dir "$WORK/state" >"$WORK/agent.log" 2>&1 &
AGENT=$!
PIDS+=("$AGENT")
ready() {
    kill -0 "$AGENT" 2>/dev/null || { echo "demo: the agent ended" >&2; exit 1; }
    [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$ADMIN/readyz")" = 200 ]
}
until_true 20 ready || { say "the agent did not become ready"; exit 1; }
PROXY=$(cli status -j | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["proxy"]["pid"])')
say "agent $AGENT is ready, proxy $PROXY runs as $(stat -c %U "/proc/$PROXY")"

bold "Outside the captured cgroup nobody answers at $DIALLED"
curl -sS -m 2 "http://$DIALLED/v1/models" 2>&1 | show || true

bold "curl, unmodified, in the captured cgroup: curl -N http://$DIALLED/v1/chat/completions"
captured curl -sSN -m 30 "http://$DIALLED/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model": "llama-8b", "stream": true, "max_tokens": 6, "messages": [{"role": "user", "content": "Hello from curl"}]}' | show

bold "The OpenAI Python SDK, unmodified: base_url=http://$DIALLED/v1"
captured "$PYTHON" "$CHAT" "http://$DIALLED/v1" llama-70b qwen-32b | show

bold "While a stream runs"
captured curl -sSN -m 60 -o "$WORK/stream" "http://$DIALLED/v1/chat/completions" -H 'Content-Type: application/json' \
    -d '{"model": "llama-70b", "stream": true, "messages": [{"role": "user", "content": "A longer one"}]}' &
STREAM=$!
PIDS+=("$STREAM")
until_true 10 test -s "$WORK/stream"
say '$ modelbroker flow list'
cli flow list | show
wait "$STREAM"
tail -n 2 "$WORK/stream" | grep -q 'DONE' || { say "the stream did not come to its end"; exit 1; }

say '$ modelbroker model list'
cli model list | show
say '$ modelbroker status'
cli status | show
say '$ modelbroker capture list'
cli capture list | show

bold "Who calls: the application is known by its cgroup and has no key; whoever comes to the gateway needs one"
gateway() {
    curl -sS -m 30 -w '\n%{http_code}\n' "http://127.0.0.1:$GATEWAY/v1/chat/completions" -H 'Content-Type: application/json' \
        -d "{\"model\": \"$1\", \"max_tokens\": 3, \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}" "${@:2}"
}
expect() { # STATUS MODEL CURL-OPTIONS...
    gateway "${@:2}" >"$WORK/answer"
    show <"$WORK/answer"
    [ "$(tail -n 1 "$WORK/answer")" = "$1" ] || { say "this should have been $1"; exit 1; }
}
say 'without one'
expect 401 llama-8b
say '$ modelbroker key new visitor --expires 90d'
KEY=$(cli key new visitor --expires 90d)
say 'with it, as any SDK sends it; a model that the client may not call; and once it is revoked'
expect 200 llama-8b -H "Authorization: Bearer $KEY"
expect 403 llama-70b -H "Authorization: Bearer $KEY"
cli key list | show
ID=${KEY#mb_}
cli key revoke "${ID%%_*}" | show
expect 401 llama-8b -H "Authorization: Bearer $KEY"
say '$ modelbroker quota show'
cli quota show | show
say '$ modelbroker client list'
cli client list | show

bold "An engine that sleeps until it is needed: three requests that can wait, then a stream that cannot, wake it once"
say '$ modelbroker endpoint list'
cli endpoint list | tee "$WORK/endpoints" | show
grep -q asleep "$WORK/endpoints" || { say "the engine is not asleep"; exit 1; }
# ask NAME CURL-OPTIONS...: says its name when it is answered.
ask() {
    captured curl -sSN -m 30 -o "$WORK/answer-$1" -w "$1: %{http_code} after %{time_total} s\n" "http://$DIALLED/v1/chat/completions" \
        -H 'Content-Type: application/json' "${@:2}" >>"$WORK/answered"
}
BODY='"model": "sleeper", "messages": [{"role": "user", "content": "Good morning"}]'
waiting() { cli queue list -j | "$PYTHON" -c 'import json, sys; exit(sum(q["waiting"] for q in json.load(sys.stdin)) < int(sys.argv[1]))' "$1"; }
ASKING=()
for number in 1 2 3; do
    ask "batch-$number" -H 'x-modelbroker-delivery: batch' -d "{$BODY}" &
    ASKING+=($!)
done
PIDS+=("${ASKING[@]}")
until_true 10 waiting 3 || { say "nobody waits"; exit 1; }
ask urgent -d "{\"stream\": true, $BODY}" &
ASKING+=($!)
PIDS+=($!)
until_true 10 waiting 4 || { say "the urgent one does not wait"; exit 1; }
say '$ modelbroker queue list'
cli queue list | show
say '$ modelbroker group show urgent'
cli group show urgent | show
wait "${ASKING[@]}"
say 'the order in which they were answered:'
show <"$WORK/answered"
head -n 1 "$WORK/answered" | grep -q '^urgent: 200' || { say "the urgent one should have been first"; exit 1; }
[ "$(grep -c ': 200 ' "$WORK/answered")" = 4 ] || { say "a request failed"; exit 1; }
say 'and what the stream was told meanwhile:'
cut -c -120 "$WORK/answer-urgent" | grep -v '^$' | head -n 6 | show
grep -q '^: loading' "$WORK/answer-urgent" || { say "no comment came"; exit 1; }
say "\$ modelbroker endpoint logs http://127.0.0.1:$SLEEPER"
cli endpoint logs "http://127.0.0.1:$SLEEPER" | show
asleep() { cli endpoint list | grep -q asleep; }
until_true 15 asleep || { say "it did not go back to sleep"; exit 1; }
say 'two seconds without a request, and it sleeps again:'
cli events --last 100 | grep engine- | show

bold "The pool chat prefers engine-one; that is killed, and engine-two answers"
chat() {
    captured curl -sS -m 30 -o /dev/null -w '%header{x-engine} answers %{http_code}\n' "http://$DIALLED/v1/chat/completions" \
        -H 'Content-Type: application/json' -d '{"model": "chat", "messages": [{"role": "user", "content": "Hello pool"}]}'
}
chat | show
kill "${PIDS[0]}" && wait "${PIDS[0]}" 2>/dev/null || true
unset 'PIDS[0]'
# One failure opens the breaker: each event loop counts its own, and each request may come to another. No caller sees it.
for _ in 1 2 3; do chat; done | tee "$WORK/failover" | show
[ "$(grep -cx 'engine-two answers 200' "$WORK/failover")" = 3 ] || { say "a request failed"; exit 1; }
say '$ modelbroker endpoint list'
cli endpoint list | tee "$WORK/endpoints" | show
grep -q STANDBY "$WORK/endpoints" || { say "engine-one is not on standby"; exit 1; }
