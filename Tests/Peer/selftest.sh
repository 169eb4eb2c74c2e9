#!/bin/sh
# The peer against itself, or against another FTSL/1 implementation:
#   selftest.sh                  listen and connect of ftsl_peer.py talk to each other
#   selftest.sh BINARY           ftsl_peer.py against `BINARY listen` and `BINARY connect`
# Random data both ways, cuts on either side, and a look at what attacks are answered with.
set -u
here=$(cd "$(dirname "$0")" && pwd)
peer="$here/ftsl_peer.py"
ftsl=${1:-}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

port() {  # waits for "listening on HOST:PORT" in the file $1
    for _ in $(seq 200); do
        p=$(sed -n 's/.*listening on [^ ]*:\([0-9][0-9]*\).*/\1/p' "$1" | head -n 1)
        [ -n "$p" ] && { echo "$p"; return; }
        sleep 0.05
    done
}

listen() {   # the acceptor to test, options of ftsl_peer.py only for itself
    if [ -n "$ftsl" ] && [ "$1" = theirs ]; then exec timeout 120 "$ftsl" listen --drain-timeout 100ms :0; fi
    shift; exec timeout 120 "$peer" listen "$@"
}

connect() {
    where=$2
    if [ -n "$ftsl" ] && [ "$1" = theirs ]; then exec timeout 120 "$ftsl" connect "127.0.0.1:$where"; fi
    shift 2; exec timeout 120 "$peer" connect "127.0.0.1:$where" "$@"
}

# pair NAME BYTES-UP BYTES-DOWN LISTEN-OPTIONS CONNECT-OPTIONS
pair() {
    name=$1; who_l=mine; who_c=mine
    case $name in theirs-listen*) who_l=theirs;; theirs-connect*) who_c=theirs;; esac
    head -c "$2" /dev/urandom > up; head -c "$3" /dev/urandom > down
    : > l.err
    (listen $who_l $4) < down > up.got 2> l.err & l=$!
    p=$(port l.err)
    (connect $who_c "$p" $5) < up > down.got 2> c.err; cs=$?
    wait $l; ls=$?
    if [ $ls = 0 ] && [ $cs = 0 ] && cmp -s up up.got && cmp -s down down.got; then
        echo "ok   $name: $2 up, $3 down, $(cat c.err l.err | grep -ao '"attachments": [0-9]*' | head -n 1)"
    else
        echo "FAIL $name: listen $ls connect $cs, up $(wc -c < up.got), down $(wc -c < down.got)"
        sed 's/^/     listen:  /' l.err | tail -n 5; sed 's/^/     connect: /' c.err | tail -n 5
        failed=1
    fi
}

if [ -n "$ftsl" ]; then
    pair theirs-listen-plain 3000000 2000000 "" ""
    pair theirs-listen-cuts 3000000 2000000 "" "--cut-after 300000"
    pair theirs-listen-small-cuts 20000 20000 "" "--cut-after 1500"
    pair theirs-listen-empty 0 0 "" ""
    pair theirs-connect-plain 3000000 2000000 "" ""
    pair theirs-connect-cuts 3000000 2000000 "--cut-after 300000" ""
    pair theirs-connect-empty 0 0 "" ""
else
    pair plain 3000000 2000000 "" ""
    pair empty 0 0 "" ""
    pair one-way-up 1000000 0 "" ""
    pair one-way-down 0 1000000 "" ""
    pair initiator-cuts 3000000 2000000 "" "--cut-after 300000"
    pair acceptor-cuts 3000000 2000000 "--cut-after 250001" ""
    pair both-cut 5000000 5000000 "--cut-after 700001" "--cut-after 450003"
    pair small-cuts 20000 20000 "" "--cut-after 1500"
    pair tiny-cuts 1500 1500 "--cut-after 211" "--cut-after 173"
    pair small-window 400000 300000 "--window 5000" "--window 3000 --cut-after 50000"
    pair fast-heartbeat 3000000 2000000 "--heartbeat 200" "--cut-after 500000"
fi

if [ -z "$ftsl" ]; then   # channel 1 and EXIT
    head -c 500000 /dev/urandom > errors
    pair channel-1-and-exit 300000 400000 "--channel-1 errors --exit-status 7" "--cut-after 150000"
    head -c 500000 c.err | cmp -s - errors && grep -q '"exit": \[0, 7\]' c.err || { echo "FAIL channel 1"; failed=1; }
fi

# the reader of the acceptor goes away: both ends say "stopped"
if [ -z "$ftsl" ]; then
    : > l.err
    (timeout 60 "$peer" listen < /dev/null 2> l.err; echo $? > l.status) | head -c 1000 > /dev/null & l=$!
    head -c 5000000 /dev/urandom | timeout 60 "$peer" connect "127.0.0.1:$(port l.err)" --cut-after 300000 > /dev/null 2> c.err
    cs=$?; wait $l; ls=$(cat l.status)
    if [ "$cs" = 141 ] && [ "$ls" = 141 ]; then echo "ok   reader gone: 141 at both ends"; else
        echo "FAIL reader gone: listen $ls connect $cs"; cat l.err c.err; failed=1; fi
fi

# attack NAME PATTERN: the JSON of the answer must match; the acceptor's stdin stays open and its stdout is not read
mkfifo in out; exec 8<>in 9<>out
attack() {
    : > l.err
    (listen theirs) < in > out 2> l.err & l=$!
    answer=$(timeout 60 "$peer" attack "$1" "127.0.0.1:$(port l.err)" 2>&1)
    if echo "$answer" | grep -Eq "$2"; then echo "ok   attack $1"; else
        echo "FAIL attack $1: $answer" | cut -c 1-600; failed=1; fi
    kill $l 2> /dev/null; wait $l 2> /dev/null
}
closed='"frames": \[\], "end": "(closed|reset)"'
gone='"verdict": 5.*"mac": "0{64}"'
attack forge-session "$gone"
attack forge-mac "$gone"
attack early-bytes '"before": "silence"'
attack replay-open "\"verdict\": 1|OPENED.*\"end\": \"(closed|reset)\""
attack replay-resume '"resumedMacGood": true.*"verdict": 4, "code": 54.*"old": .*SUPERSEDED'
attack bad-confirm '"frames": \[\], "end": "(closed|reset)"'
attack bad-proof '"frames": \[\], "end": "(closed|reset)", "old": "silence"'
for name in random-bytes random-frames empty-frame oversize-handshake data-first no-versions zero-limits zero-key; do
    attack $name "$closed"; done
attack version-mismatch '"verdict": 4, "code": 20.*"type": 1, "bytes": "0001"'
attack unknown-ext OPENED
attack unknown-extension '"acknowledged": "1"'
abort() { code=$1; shift; for name; do attack "$name" "\"frame\": \"ABORT\", \"code\": ($code),"; done; }
abort 1 truncated-body long-body position-overflow
abort 2 oversize
abort 3 unknown-kind reserved-kind
abort 4 exit-from-initiator superseded-from-initiator
abort "1|4" second-open
abort 5 gap fin-moved
abort 6 credit-overrun
abort 7 ack-beyond
abort 8 wrong-channel
abort 9 data-after-fin stop-beyond
abort 21 wrong-digest
exit $failed
