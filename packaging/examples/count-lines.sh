#!/bin/sh
# Numbers the lines it gets. Its session can move to another host: the count goes along.
#
#     ftsl listen :7000 --lines --exec /usr/local/share/doc/ftsl/examples/count-lines.sh
#
# Descriptor 3 has the state to start from, descriptor 4 takes the state to leave.
n=0; [ -n "$FTSL_RESTORED" ] && read -r n <&3
echo ready >&4
while IFS= read -r line; do n=$((n+1)); echo "$n:$line"; done
# The input ended. If that is because a checkpoint is wanted, another one goes on from here.
[ -s "$FTSL_CHECKPOINT" ] && { echo "$n" >&4; exit 75; }
exit 0
