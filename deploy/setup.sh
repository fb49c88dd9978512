#!/bin/sh
# Installs what SDP needs on Debian and its kin and starts the Docker daemon. Run it as often as you like: it does only
# what is missing, and with nothing missing it takes a fraction of a second.
#
#   deploy/setup.sh [up|test]
#
#   up    (default) what `make up` needs: Docker, PostgreSQL's programs, git, Node.js for the dashboard's build, ...
#   test  that, and what the tests and benchmarks need: nginx, gcc for the race detector, Chromium, sudo, ...
#
# It needs root, or a user with sudo, only when something is missing. It creates no PostgreSQL cluster, starts no
# service but Docker, and touches nothing that is already installed.
set -eu

# Where a Node.js of our own goes if the system's is too old; the Makefile looks there first. Nobody else sees it.
node_dir=/usr/local/lib/sdp-node

# Debian keeps daemons in sbin, which is not in an ordinary user's PATH.
PATH="$node_dir/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin"
export PATH

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
socket=/var/run/docker.sock
docker_log=/var/log/dockerd.log
docker_wait=60 # seconds

say() { echo "setup: $*"; }
fail() {
    echo "setup: $1" >&2
    [ $# -lt 2 ] || echo "  -> $2" >&2
    exit 1
}

# as_root COMMAND...: runs it as root, without ever waiting for input that cannot come.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        fail "root is needed to run: $*" "run this script as root once: su -c '$here/setup.sh $group'"
    elif (: </dev/tty) 2>/dev/null; then
        sudo "$@" # asks for the password on the terminal, whatever stdin is
    elif sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        fail "sudo wants a password, and there is no terminal" "run this once as root or in a terminal: sudo $here/setup.sh $group"
    fi
}

# have WHAT: is it there? A command, a file, or PostgreSQL's programs, which Debian keeps out of PATH.
have() {
    case $1 in
    postgresql) ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb 2>/dev/null | grep -q . ;;
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# needs: the Debian packages that are missing. Each line: what must be there, the package that brings it.
needs() {
    while read -r what package; do
        [ -z "$what" ] || have "$what" || echo "$package"
    done <<LIST
dockerd docker.io
postgresql postgresql
git git
php php-cli
ip iproute2
curl curl
ps procps
node nodejs
npm npm
setsid util-linux
/etc/ssl/certs/ca-certificates.crt ca-certificates
$1
LIST
}

test_list='docker docker-cli
nginx nginx
gcc gcc
/usr/include/stdio.h libc6-dev
psql postgresql-client
iptables iptables
sudo sudo
chromium chromium'

install_packages() {
    say "installing: $*"
    command -v apt-get >/dev/null ||
        fail "this system has no apt-get, and these Debian packages, or their equals, are missing: $*" "install them by hand and run this again"
    as_root env PACKAGES="$*" sh -eu <<'ROOT'
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt="apt-get -y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold"
$apt update </dev/null >/dev/null || { echo "setup: apt-get update failed; trying with the package lists there are" >&2; }

# Debian 13 has the docker command in a package of its own; on 12 docker.io brings it.
apt-cache show docker-cli >/dev/null 2>&1 || PACKAGES=$(echo "$PACKAGES" | sed 's/docker-cli/docker.io/')

# Packages start their services when they are installed. We want programs, not services; Docker is started below.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

# Debian's postgresql creates and runs a cluster of its own unless postgresql-common is told otherwise beforehand.
case " $PACKAGES " in *" postgresql "*)
    $apt install --no-install-recommends postgresql-common </dev/null >/dev/null
    conf=/etc/postgresql-common/createcluster.conf
    if grep -Eq "^[[:space:]]*include_dir" "$conf" 2>/dev/null; then
        mkdir -p /etc/postgresql-common/createcluster.d
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/sdp.conf
    else
        echo "create_main_cluster = false" >>"$conf"
    fi
    ;;
esac
log=$(mktemp)
if ! $apt install --no-install-recommends $PACKAGES </dev/null >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    echo "setup: apt-get could not install: $PACKAGES" >&2
    exit 1
fi
rm -f "$log"
ROOT
}

dockerd_runs() { ps -e -o comm= | grep -qx dockerd; }

# docker_state: "up", "forbidden" (it runs, but not for this user) or "down".
docker_state() {
    if curl -fs --max-time 5 --unix-socket "$socket" http://docker/_ping >/dev/null 2>&1; then
        echo up
    elif [ -S "$socket" ] && [ ! -w "$socket" ] && dockerd_runs; then
        echo forbidden
    else
        echo down
    fi
}

start_docker() {
    say "starting the Docker daemon"
    if [ -d /run/systemd/system ]; then
        as_root systemctl enable --now docker >/dev/null 2>&1 ||
            fail "systemd could not start Docker" "see: journalctl -u docker"
        docker_log="the journal: journalctl -u docker"
    else
        # A PID file of a daemon that was killed stops the next one if its number has gone to another process.
        as_root env LOG="$docker_log" sh -eu <<'ROOT'
pid=$(cat /var/run/docker.pid 2>/dev/null || true)
if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null || true)" != dockerd ]; then
    rm -f /var/run/docker.pid
fi
setsid nohup dockerd </dev/null >>"$LOG" 2>&1 &
ROOT
    fi
    tries=$((docker_wait * 5))
    while [ "$tries" -gt 0 ]; do
        # As root, because the user may not have access yet.
        if as_root curl -fs --max-time 5 --unix-socket "$socket" http://docker/_ping >/dev/null 2>&1; then
            return 0
        fi
        # A second is enough for a daemon to be seen; one that is gone after that will not come.
        if [ "$tries" -lt $((docker_wait * 5 - 5)) ] && ! dockerd_runs; then
            break
        fi
        tries=$((tries - 1))
        sleep 0.2
    done
    if [ -f "$docker_log" ]; then
        echo "setup: the last lines of $docker_log:" >&2
        as_root tail -n 15 "$docker_log" >&2
    fi
    fail "the Docker daemon does not answer on $socket" "its output is in $docker_log; inside a container it needs --privileged"
}

ensure_docker() {
    case ${DOCKER_HOST:-} in
    '') ;;
    unix://*) socket=${DOCKER_HOST#unix://} ;;
    *) return 0 ;; # somebody else's machine
    esac
    state=$(docker_state)
    if [ "$state" = down ]; then
        [ -z "${DOCKER_HOST:-}" ] || fail "no Docker daemon answers at DOCKER_HOST=$DOCKER_HOST" "start it, or unset DOCKER_HOST"
        start_docker
        state=$(docker_state)
    fi
    if [ "$state" = forbidden ]; then
        user=$(id -un)
        if ! id -nG "$user" | tr ' ' '\n' | grep -qx docker; then
            say "adding $user to the group docker"
            as_root usermod -aG docker "$user"
        fi
        say "$user reaches Docker after signing in again; until then: sg docker -c 'make up' (make up does that by itself)"
    fi
}

# at_least WANT GOT: is version GOT the same or newer?
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# Debian 12's Node.js builds no dashboard: a newer one comes from the package registry that npm is set to, as packages
# that run no scripts. npm comes along, because an npm is made for certain versions of Node.js.
ensure_node() {
    [ -e "$here/../web/package.json" ] || return 0
    want=$(sed -n 's/.*"node": *">=\([0-9.]*\)".*/\1/p' "$here/../web/package.json")
    got=$(node --version | tr -d v)
    ! at_least "$want" "$got" || return 0
    package=$(node -p '`node-${process.platform}-${process.arch}@22`')
    say "Node.js $got is too old for the dashboard's build, which needs $want; fetching a newer one into $node_dir"
    fresh=$(mktemp -d)
    # As the user, whose settings of npm may name a registry or a proxy.
    npm install --prefix "$fresh" --no-audit --no-fund --ignore-scripts --loglevel=error "$package" npm@10 </dev/null >/dev/null || {
        rm -rf "$fresh"
        fail "npm could not fetch $package" "install Node.js $want or newer by hand, see https://nodejs.org, and run this again"
    }
    as_root sh -euc 'rm -rf "$2" && mkdir -p "$(dirname "$2")" && cp -R "$1" "$2" && chown -R 0:0 "$2" && chmod -R go=rX "$2"' sh "$fresh" "$node_dir"
    rm -rf "$fresh"
    at_least "$want" "$(node --version | tr -d v)" || fail "still Node.js $(node --version) at $(command -v node)"
}

check_go() {
    want=$(sed -n 's/^go //p' "$here/../go.mod")
    command -v go >/dev/null || fail "Go is not installed" "install Go $want or newer: https://go.dev/doc/install"
    got=$(go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
    at_least "$want" "$got" || fail "Go $got is too old" "install Go $want or newer: https://go.dev/doc/install"
}

group=${1:-up}
case $group in
up) extra= ;;
test) extra=$test_list ;;
*) fail "unknown group '$group'" "usage: deploy/setup.sh [up|test]" ;;
esac

check_go
missing=$(needs "$extra" | sort -u | tr '\n' ' ')
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word per package
    install_packages $missing
    still=$(needs "$extra" | sort -u | tr '\n' ' ')
    [ -z "$still" ] || fail "still missing after the installation: $still"
fi
ensure_node
ensure_docker
