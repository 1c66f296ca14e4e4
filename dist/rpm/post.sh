# The user, and the units as they are now. A new server does not run by itself: it needs a certificate and keys first.
systemd-sysusers saltyrtc-server.conf || :
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi
if [ "$1" = 1 ]; then
    systemctl --no-reload preset saltyrtc-server.service saltyrtc-server.socket || :
fi
