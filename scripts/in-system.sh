#!/usr/bin/env bash
# Runs a script as root of a Debian system that is thrown away afterwards: the files of this one, on which all changes
# are lost, with a systemd, a network and processes of its own. Needs root or sudo.
#
# Arguments: the script, and a directory. The script finds the directory's files in its working directory; what it leaves
# in there is kept, and so is a list of what else it changed, in the file `changed`.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
# The longest that the script may take, in seconds.
LIMIT=${LIMIT:-300}

fail() {
    echo "in-system: $*" >&2
    exit 1
}

if [ "${1:-}" != --inside ]; then
    script=$(realpath "$1") directory=$(realpath "$2")
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "not root, and there is no sudo: a system of its own needs one of them"
        as_root=(sudo "PATH=$PATH")
    fi
    exec "${as_root[@]}" env LIMIT="$LIMIT" unshare --mount --propagation private "$(realpath "$0")" --inside "$script" "$directory"
fi

# From here on with mounts that nobody else sees, and that end with this.
script=$2 directory=$3
work=$(mktemp --directory --tmpdir saltyrtc-system-XXXXXX)
cleanup() {
    # Nothing is in them any more: the first process has taken all others with it.
    find "$work/groups/saltyrtc-system-$$" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    umount -R "$work"
    rmdir "$work"
}
trap cleanup EXIT
mount -t tmpfs tmpfs "$work"
mkdir "$work/changes" "$work/scratch" "$work/root" "$work/groups"
root=$work/root
mount -t overlay -o "lowerdir=/,upperdir=$work/changes,workdir=$work/scratch" overlay "$root" ||
    fail "the kernel lays no file systems over others (overlay)"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    cp -a "/dev/$device" "$root/dev/"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
: >"$root/dev/console"
for place in run tmp; do
    mount -t tmpfs tmpfs "$root/$place"
done
mkdir "$root/run/test"
mount --bind "$directory" "$root/run/test"
cp "$script" "$root/run/script"
# In containers it forbids to start what is installed.
[ ! -e /usr/sbin/policy-rc.d ] || mount --bind /bin/true "$root/usr/sbin/policy-rc.d"
# The only thing that is started, with which everything ends.
cat >"$root/run/test.service" <<END
[Unit]
DefaultDependencies=no
SuccessAction=exit
FailureAction=exit
FailureActionExitStatus=1
[Service]
Type=oneshot
WorkingDirectory=/run/test
ExecStart=bash /run/script
StandardOutput=append:/run/test/output
StandardError=inherit
END
mkdir -p "$root/run/systemd/system"
mv "$root/run/test.service" "$root/run/systemd/system/"
: >"$directory/output"

# Groups of processes below its own, which systemd may do with as it likes.
mount -t cgroup2 cgroup2 "$work/groups" || fail "there is no cgroup2 here, which systemd needs"
group=$work/groups/saltyrtc-system-$$
mkdir "$group"
status=0
(
    echo "$BASHPID" >"$group/cgroup.procs"
    exec timeout --signal=KILL "$LIMIT" unshare --mount --pid --cgroup --net --ipc --uts --fork --kill-child sh -ec '
        ip link set lo up
        mount -t proc proc "$1/proc"
        mount -t sysfs sysfs "$1/sys"
        mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
        # Not only chroot: services get file systems of their own, which are made of the whole one.
        cd "$1"
        mkdir run/before
        pivot_root . run/before
        exec env -i container=test PATH="$PATH" sh -ec "
            umount -l /run/before
            exec /lib/systemd/systemd --system --unit=test.service --show-status=no --log-target=console
        "
    ' - "$root"
) || status=$?
# The console is a file.
cp "$root/dev/console" "$directory/console"
(cd "$work/changes" && find . ! -type d) | sed 's/^\.//' | sort >"$directory/changed"
exit "$status"
