#!/bin/sh
# Installs what is missing of Debian's packages where this is root, else says exactly what to install.
# Each word is PROGRAM=PACKAGE: the package is wanted where the program isn't found; =PACKAGE is always wanted.
set -eu
missing=""
for word in "$@"; do
    program=${word%%=*} package=${word#*=}
    # Debian keeps the programs of PostgreSQL's server out of PATH.
    if [ -n "$program" ] && PATH="$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')" command -v "$program" >/dev/null; then
        continue
    fi
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's packages:$missing" >&2
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "azaward needs Debian's packages:$missing. Install them as root, then try again: apt-get install$missing" >&2
    exit 1
fi
