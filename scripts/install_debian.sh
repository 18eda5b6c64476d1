#!/bin/sh
# Installs Debian packages where this is root, else says exactly what to install.
set -eu
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
else
    echo "azaward needs these packages; as root: apt-get install $*" >&2
    exit 1
fi
