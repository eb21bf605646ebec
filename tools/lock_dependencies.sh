#!/bin/sh
# Writes requirements.lock from pyproject.toml, for every platform and Python 3.10 to 3.14.
# Pins that still fit stay as they are; UPGRADE=1 takes the newest of each.
# Arguments: the Python to use, the requirement that names the resolver.
set -eu

python=$1
resolver=$2
work=.build/lock

rm -rf "$work"
mkdir -p "$work"
echo "lock: 1/2 $resolver ..."
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$resolver" || {
    echo "lock failed: could not get $resolver; look at the network, then run make lock again" >&2
    exit 1
}

echo "lock: 2/2 versions and hashes ..."
if [ -f requirements.lock ]; then cp requirements.lock "$work/pins"; fi
"$work/venv/bin/uv" pip compile --quiet --no-config --cache-dir "$work/cache" \
    --universal --python-version 3.10 --no-python-downloads --all-extras \
    --generate-hashes --no-header --no-annotate --no-emit-index-url \
    ${UPGRADE:+--upgrade} --output-file "$work/pins" pyproject.toml

{
    echo '# Written by `make lock` from pyproject.toml: pins with hashes for Python 3.10 to 3.14.'
    grep -v '^#' "$work/pins"
} > "$work/requirements.lock"
mv "$work/requirements.lock" requirements.lock
rm -rf "$work"
echo "lock: requirements.lock pins $(grep -c '==' requirements.lock) packages"
