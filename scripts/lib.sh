# shellcheck shell=bash
# What the scripts beside this file share. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# What `make run` runs, and images hold.
# shellcheck disable=SC2034 # for those who source this
programs=(-p pedidos-api -p pedidos-worker -p pedidos)
# The versions of what is downloaded.
# shellcheck source=xtask/tools.env
. "$root/xtask/tools.env"

# A rustup installation that this shell's PATH does not know yet.
if ! command -v cargo >/dev/null && [[ -x $HOME/.cargo/bin/cargo ]]; then
  PATH=$HOME/.cargo/bin:$PATH
fi

say() { printf '%s\n' "$*" >&2; }
die() {
  say "${0##*/}: $*"
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

apt_install() { "$root/scripts/apt-install" "$@"; } # WHY PACKAGE...

# programs_dir: where cargo puts the programs of this clone.
programs_dir() { (cd "$root" && printf '%s/release' "$(readlink -m "${CARGO_TARGET_DIR:-target}")"); }

# have_node: one that is new enough for the dashboard and what checks it.
have_node() { "$root/scripts/xtask" have node; }
# need_node WHY: the same, installed if it is not there.
need_node() {
  PATH=$("$root/scripts/xtask" need node "$1"):$PATH
}

# need_faketime: the library with which a test gives a process the wrong clock.
need_faketime() {
  compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null ||
    apt_install "a clock that is wrong, for tests" libfaketime
}
