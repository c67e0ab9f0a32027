#!/usr/bin/env bash
# The step of action.yml: installs the server and starts it in the background. The runner ends it with the job.
set -euo pipefail

folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/fakeflowdock-XXXXXX")
program=${PROGRAM:-} # one that is installed already
if [ -z "$program" ]; then
    "${PYTHON:-python3}" -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet "$GITHUB_ACTION_PATH"
    program=$folder/venv/bin/fakeflowdock
fi
ready=$folder/ready.json
log=$folder/log

# shellcheck disable=SC2086 # options are words
nohup "$program" --port "${PORT:-8080}" --json --access-log text ${OPTIONS:-} >"$ready" 2>"$log" </dev/null &
server=$!
until [ -s "$ready" ]; do
    kill -0 "$server" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.1
done

"$(dirname "$program")/python" - "$ready" "$log" <<'PYTHON'
import json
import os
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    ready = json.load(file)
outputs = {name: ready[name] for name in ("url", "stream_url", "api_token", "access_token")}
outputs |= {"ready": sys.argv[1], "log": sys.argv[2]}
variables = {"FLOWDOCK_API_URL": ready["url"], "FLOWDOCK_STREAM_URL": ready["stream_url"]}
variables |= {f"FAKEFLOWDOCK_{name.upper()}": ready[name] for name in ("api_token", "access_token")}
if "ca_file" in ready:
    variables |= dict.fromkeys(("FAKEFLOWDOCK_CA_FILE", "NODE_EXTRA_CA_CERTS"), ready["ca_file"])
for target, values in (("GITHUB_OUTPUT", outputs), ("GITHUB_ENV", variables)):
    with open(os.environ[target], "a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
print(f"fakeflowdock answers on {ready['url']}")
PYTHON
