if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    # Not the socket: what connects meanwhile waits there.
    if [ "$1" -ge 1 ]; then
        systemctl try-restart saltyrtc-server.service || :
    fi
fi
if [ "$1" = 0 ]; then
    # Directories of its own, which the tool that makes the package cannot put into it.
    rmdir /etc/saltyrtc-server /usr/share/doc/saltyrtc-server/examples /usr/share/doc/saltyrtc-server \
        /usr/share/licenses/saltyrtc-server 2>/dev/null || :
fi
