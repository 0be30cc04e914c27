# How data.sh fetches packages: each is pinned to a version and to the digest of its file, so that nothing comes in
# that nobody looked at, and nothing of a package is ever run. It only defines functions.
# shellcheck shell=bash

# same FILE SHA256: whether the file is the pinned one; says what it is otherwise.
same() {
  local found
  found=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$found" = "$2" ] || { note "$(basename "$1") has the SHA-256 $found, not the pinned $2"; return 1; }
}

# fetch_npm FOLDER NAME@VERSION SHA256: the package's file into the empty folder.
fetch_npm() {
  mkdir -p "$1"
  npm pack --silent --ignore-scripts --fetch-retries=1 --fetch-timeout=30000 --pack-destination "$1" "$2" </dev/null >/dev/null &&
    same "$(find "$1" -name '*.tgz' -print -quit)" "$3"
}

# fetch_pip FOLDER NAME==VERSION SHA256 [OPTION…]: the same from the Python index. pip compares before it unpacks.
fetch_pip() {
  local folder=$1 pinned=$2 digest=$3
  shift 3
  mkdir -p "$folder"
  printf '%s --hash=sha256:%s\n' "$pinned" "$digest" >"$folder/requirements"
  python3 -m pip download --quiet --no-deps --require-hashes --timeout 20 --retries 1 "$@" --dest "$folder" \
    -r "$folder/requirements" </dev/null
}

fetch_wheel() { fetch_pip "$@" --only-binary :all:; }

# Of a source package pip wants to know the metadata before it saves it, and asks the package's build back-end, which
# would be installed, unpinned, and run the package's own setup.py. Ours stands in for it; a package with a back-end that
# it has no name for cannot be had.
fetch_source() {
  local stand_ins=$1/stand-ins backend
  for backend in hatchling/build setuptools/build_meta; do
    mkdir -p "$stand_ins/$(dirname "$backend")"
    touch "$stand_ins/$(dirname "$backend")/__init__.py"
    cp scripts/no_build.py "$stand_ins/$backend.py"
  done
  PYTHONPATH=$(cd "$stand_ins" && pwd) fetch_pip "$@" --no-binary :all: --no-build-isolation --use-pep517
}
