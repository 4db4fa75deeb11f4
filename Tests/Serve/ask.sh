#!/bin/sh
# Asks a server that is started for one question: the status and the answer. $MAJORTOM is the tool.
# Usage: ask.sh PATH [BODY [OPTION OF CURL...]]     SERVE="OPTION..." are options of the server
folder=$(mktemp -d)
models=$(dirname "$0")/../GoldenTests/Fixtures/version-1
$MAJORTOM serve -m "$models/lm.safetensors" -m "$models/tagger.safetensors" \
  -m "$models/translator.safetensors" --listen "unix:$folder/socket" --log none $SERVE 2>"$folder/log" &
server=$!
trap 'kill $server 2>/dev/null; wait $server; rm -rf "$folder"' EXIT
for _ in $(seq 200); do
  test -S "$folder/socket" && break
  sleep 0.05
done
path=$1 body=$2
test $# -lt 2 && shift 1 || shift 2
test -n "$body" && set -- --data-binary "$body" "$@"
status=$(curl --silent --unix-socket "$folder/socket" --output "$folder/answer" --write-out '%{http_code}' "$@" \
  "http://localhost$path")
printf "%s %s\n" "$status" "$(cat "$folder/answer")"
