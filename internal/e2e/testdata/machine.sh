#!/bin/sh
# Makes a machine of the namespaces it is started in and is its init process.
#
#   machine.sh NAME DIRECTORY-OF-BINARIES GOROOT GOCACHE
#
# What is written on it is in memory: the directories the documentation writes into are layers over those of this machine,
# and what keeps data there is not seen.
set -eu
name=$1 bin=$2 goroot=$3 gocache=$4

hostname "$name"
mount --make-rprivate /
mount -t proc proc /proc
ip link set lo up

mount -t tmpfs -o mode=0755 machine /mnt
for dir in etc var usr/local; do
    mkdir -p "/mnt/$dir/upper" "/mnt/$dir/work"
    mount -t overlay -o "lowerdir=/$dir,upperdir=/mnt/$dir/upper,workdir=/mnt/$dir/work" machine "/$dir"
done
mkdir -p /usr/local/bin /usr/local/go /mnt/go-build
mount --bind "$gocache" /mnt/go-build
[ "$goroot" = /usr/local/go ] || mount --bind "$goroot" /usr/local/go
for program in sdp temporald; do
    touch "/usr/local/bin/$program"
    mount --bind "$bin/$program" "/usr/local/bin/$program"
done
mount -t tmpfs -o mode=0755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
for dir in docker postgresql; do
    mkdir -p "/var/lib/$dir"
    mount -t tmpfs -o mode=0711 "$dir" "/var/lib/$dir"
done
rm -rf /etc/sdp /etc/temporald /etc/postgresql /etc/docker /var/lib/sdp
[ -d /var/run ] || ln -s /run /var/run
mkdir -p /run/lock /etc/docker /etc/systemd/system
for user in sdp temporald; do
    ! id "$user" >/dev/null 2>&1 || userdel "$user"
done
touch /run/ready

# As PID 1 it reaps what loses its parent.
while :; do
    sleep 3600 &
    wait
done
