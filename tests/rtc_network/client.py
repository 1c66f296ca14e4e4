"""A client in Python, made to be watched: events as JSON on standard output, commands on standard input.

    client.py host SERVER TASK [OPTIONS]        stays where it is, and says everything again that the phone says
    client.py phone INVITATION TASK [OPTIONS]   connects anew when its connection has ended

TASK is `relayed` or `webrtc`, OPTIONS are those of the package `saltyrtc`, as JSON, with
those of `WebRTC` among them as far as they are needed. Commands are `say TEXT`, and `network`,
as a system tells its programs that there is another network.

Events: `invitation` (`uri`); `met`: the peer is there and says what it is told; `heard` (`text`); `left`: the peer is not
there any more; `ended` (`status`, `text`, `retryable`).
"""

import json
import queue
import sys
import threading

import saltyrtc
import saltyrtc.sync
from saltyrtc import EventKind


def tell(event, **fields):
    # In one go, as threads tell.
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def on_event(event):
    if event.kind == EventKind.PEER_LEFT:
        tell("left", text=event.text)
    elif event.kind == EventKind.CLOSED:
        tell("ended", status=event.status.name, text=event.text, retryable=event.retryable)


def settings(task, options):
    options = {**options}
    webrtc = saltyrtc.WebRTC(ice_servers=options.pop("ice_servers", ()), handover=False)
    return {"tasks": [saltyrtc.RelayedData() if task == "relayed" else webrtc], "on_event": on_event, **options}


def echo(lane):
    """Says again what comes, for as long as something does."""
    try:
        for message in lane:
            lane.send(message)
    except saltyrtc.SaltyRTCError:
        pass  # `on_event` tells why


def host(server, task, options):
    with saltyrtc.sync.Initiator(server, rejoin=True, **settings(task, options)) as peer:
        tell("invitation", uri=str(peer.invitation))
        peer.connected()
        peer.trust()
        commands = threading.Thread(target=obey, args=(lambda: peer,), daemon=True)
        commands.start()
        if task == "webrtc":
            try:
                for channel in peer.channels():
                    threading.Thread(target=echo, args=(channel,), daemon=True).start()
            except saltyrtc.SaltyRTCError:
                pass
        while peer.ended is None:
            echo(peer)
        # The test looks at what was told.
        commands.join()


def obey(peer, networks=None):
    """Does what standard input says, with whatever peer there is."""
    for line in sys.stdin:
        command, _, text = line.strip().partition(" ")
        if command == "say":
            peer().send(text)
        elif command == "network":
            saltyrtc.network_changed()
            if networks:
                networks.put(None)


def phone(uri, task, options):
    invitation = saltyrtc.Invitation(uri)
    keys, host_key = saltyrtc.KeyPair.generate(), None
    current, networks = [None], queue.Queue()
    threading.Thread(target=obey, args=(lambda: current[0], networks), daemon=True).start()
    while True:
        trust = {} if host_key is None else {"trusted_peer": host_key}
        with saltyrtc.sync.Responder(invitation, keys=keys, **trust, **settings(task, options)) as peer:
            try:
                peer.connected()
                host_key = peer.trust()
                invitation = saltyrtc.Invitation.from_parts(invitation.server_url, host_key)
                lane = current[0] = peer if task == "relayed" else peer.open_channel("lane")
                lane.send("hello")
                lane.receive()
                tell("met")
                for message in lane:
                    # What comes on a secure channel is bytes.
                    tell("heard", text=message if isinstance(message, str) else message.decode())
            except saltyrtc.SaltyRTCError:
                pass
            peer.wait_closed()
        # There is no use in trying where there is no network.
        networks.get()


if __name__ == "__main__":
    role, where, with_task, *more = sys.argv[1:]
    {"host": host, "phone": phone}[role](where, with_task, json.loads(more[0]) if more else {})
