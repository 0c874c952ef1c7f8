#!/bin/sh
# Runs a TypeScript file of this project: bootstrap.sh FILE [ARGUMENT...]
#
# The one thing that works on a bare clone, where npm packages are still to be installed and the machine's Node is
# too old to run TypeScript: installs what package-lock.json lists, then hands over to the Node 24 among it.
set -eu
unset CDPATH
cd "$(dirname "$0")/../.."
# A login shell of another user than root lacks the directories of mkfs.btrfs, dockerd and useradd.
PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
export PATH

fail() {
  printf 'MyAAS: %s\n' "$@" >&2
  exit 1
}

# npm writes no copy of the lock file that could be compared; this one is written when all is installed.
installed=node_modules/.installed-lock.json
if ! cmp -s package-lock.json "$installed"; then
  command -v npm >/dev/null || fail 'npm is not installed.' 'Run "apt-get install npm" (or install Node from nodejs.org), and start again.'
  echo 'MyAAS: installing npm packages' >&2
  npm ci --ignore-scripts --include=dev --include=optional --no-audit --no-fund --loglevel=error >&2 ||
    fail '"npm ci" failed; its messages above say why.'
  # npm 9 makes no link for a program of this name.
  for node in node_modules/node-linux-*/bin/node; do
    [ -x "$node" ] && ln -sf "../${node#node_modules/}" node_modules/.bin/node
  done
  cp package-lock.json "$installed"
fi

# By its path: a shell remembers where it found "node" before.
for node in "$PWD/node_modules/.bin/node" "$(command -v node || :)"; do
  if "$node" --eval '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 22 || (major === 22 && minor >= 18) ? 0 : 1);
  ' 2>/dev/null; then
    exec "$node" "$@"
  fi
done
fail "Node 24 has no npm package for this machine ($(uname -sm)), and its own Node is older than 22.18." \
  'Install Node 24 (nodejs.org), and start again.'
