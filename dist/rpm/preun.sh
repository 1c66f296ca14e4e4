# A server that is upgraded goes on until the new one takes its place.
if [ "$1" = 0 ]; then
    if [ -d /run/systemd/system ]; then
        systemctl --no-reload disable --now saltyrtc-server.socket saltyrtc-server.service || :
    else
        systemctl --no-reload disable saltyrtc-server.socket saltyrtc-server.service || :
    fi
fi
