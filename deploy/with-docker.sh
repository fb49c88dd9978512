#!/bin/sh
# Runs a command with access to the Docker daemon: as it is where that works, else as a member of the group docker,
# which a user whom setup.sh has just added is only after signing in again.
#
#   deploy/with-docker.sh COMMAND [ARGUMENT...]
set -eu

socket=/var/run/docker.sock
case ${DOCKER_HOST:-} in
'') ;;
unix://*) socket=${DOCKER_HOST#unix://} ;;
*) exec "$@" ;;
esac
if [ ! -S "$socket" ] || [ -w "$socket" ] || ! id -nG "$(id -un)" | tr ' ' '\n' | grep -qx docker; then
    exec "$@"
fi
quoted=
for word; do
    quoted="$quoted '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"
done
exec sg docker -c "exec $quoted"
