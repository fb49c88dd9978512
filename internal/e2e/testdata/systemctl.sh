#!/bin/sh
# The part of systemd that docs/production.md uses, on a machine without it: as `systemctl` and as `journalctl`. Of a unit it
# heeds the user, the environment, the state directories, the privileges and that it is started again. What else confines
# a unit needs systemd.
set -eu

log() { echo "/run/log/$1"; }

# of UNIT KEY: the values of a key in the unit's file.
of() {
    case $1 in
    *@*) sed -n "s/^$2=//p" "/etc/systemd/system/${1%%@*}@.service" | sed "s/%i/${1#*@}/g" ;;
    *) sed -n "s/^$2=//p" "/etc/systemd/system/$1.service" ;;
    esac
}

# run UNIT: what the unit runs, once.
run() {
    user=$(of "$1" User) groups=$(of "$1" SupplementaryGroups)
    for dir in $(of "$1" StateDirectory); do
        install -d -o "$user" -g "$(of "$1" Group)" -m "$(of "$1" StateDirectoryMode)" "/var/lib/$dir"
    done
    if [ -n "$groups" ]; then groups="--groups $groups"; else groups=--init-groups; fi
    umask "$(of "$1" UMask)"
    cd /
    # shellcheck disable=SC2046,SC2086 # words
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" \
        $(of "$1" Environment) $(for file in $(of "$1" EnvironmentFile); do cat "$file"; done) \
        setpriv --reuid "$user" --regid "$(of "$1" Group)" $groups --bounding-set=-all --no-new-privs $(of "$1" ExecStart)
}

# keep UNIT: runs it again and again until it is stopped.
keep() {
    trap 'kill "$child"; wait "$child"; exit 0' TERM
    while :; do
        run "$1" &
        child=$!
        echo "$child" >"/run/units/$1.main"
        wait "$child" || true
        sleep "$(of "$1" RestartSec)" &
        child=$!
        wait "$child" || true
    done
}

start() {
    mkdir -p /run/units /run/log
    setsid "$0" keep "$1" </dev/null >>"$(log "$1")" 2>&1 &
    echo $! >"/run/units/$1"
}

stop() {
    pid=$(cat "/run/units/$1") || return 0
    rm "/run/units/$1"
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

if [ "${0##*/}" = journalctl ]; then # -u UNIT -n LINES
    exec tail -n "$4" "$(log "$2")"
fi
verb=$1
shift
[ "${1:-}" != --now ] || shift
case $verb in
daemon-reload) ;;
enable | start) for unit; do start "$unit"; done ;;
stop | disable) for unit; do stop "$unit"; done ;;
restart) for unit; do stop "$unit" && start "$unit"; done ;;
keep) keep "$1" ;;
*) echo "systemctl: $verb is not what this stand-in does" >&2 && exit 1 ;;
esac
