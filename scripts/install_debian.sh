#!/bin/sh
# Installs missing Debian packages when run as root; otherwise says which to install.
# Each argument is PROGRAM=PACKAGE: the package is needed if the program isn't found. =PACKAGE is always needed.
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
    echo "Installing Debian packages:$missing" >&2
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "azaward needs these Debian packages:$missing. As root, run: apt-get install$missing. Then try again." >&2
    exit 1
fi
