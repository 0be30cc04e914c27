# Shared by the scripts of this folder: messages, the search for tools, and the installation of Debian packages.
# It only defines functions and puts cargo on the PATH; it must never do work of its own when it is sourced.
# shellcheck shell=bash

note() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() { note "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# rustup puts cargo here, and a fresh shell does not always know it.
if ! have cargo && [ -d "${CARGO_HOME:-${HOME:-}/.cargo}/bin" ]; then
  PATH="${CARGO_HOME:-${HOME:-}/.cargo}/bin:$PATH"
  export PATH
fi

# The cache of everything that must not stand in the checkout.
cache_home() { printf '%s' "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tollgate"; }

# installed NAME FILE COMMAND…: the folder of what FILE asks for, in the cache. COMMAND installs it into the folder that is appended to it.
installed() {
  local name=$1 file=$2 folder
  folder=$(cache_home)/$name-$(sha256sum "$file" | cut -c1-16)
  shift 2
  if [ ! -e "$folder.complete" ]; then
    note "installing $file into the cache"
    rm -rf "$folder"
    mkdir -p "$folder"
    "$@" "$folder" </dev/null >&2 || return 1
    touch "$folder.complete"
  fi
  printf '%s' "$folder"
}

# pip_into FILE FOLDER: the Python packages of a requirements file.
pip_into() { python3 -m pip install --quiet --disable-pip-version-check --timeout 20 --retries 1 -r "$1" --target "$2"; }

can_apt() { have apt-get && [ "$(id -u)" = 0 ]; }

# With RUNLEVEL=1 a package that brings a service (nginx) does not start it.
apt_quiet() {
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq \
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}

# apt_install PACKAGE…: true when all were installed. The package lists are read again only if that is needed.
apt_install() {
  can_apt || return 1
  note "installing with apt: $*"
  apt_quiet install -y --no-install-recommends "$@" && return 0
  apt_quiet update && apt_quiet install -y --no-install-recommends "$@"
}
