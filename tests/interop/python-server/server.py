"""
Runs the reference server `saltyrtc.server` on a free port of the loopback interface.

    python server.py CHAIN KEY [SECRET_KEY]

CHAIN and KEY are PEM files of the TLS certificate chain and its private key. SECRET_KEY is the
permanent secret key of the server as 64 hex digits; without it one is made up.

When the server listens, one line of JSON goes to standard output, with the fields `event`
("listening"), `port` and `publicKey`. The answer of a client to a ping is the event "pong". The
server runs until its standard input ends.
"""
import asyncio
import json
import sys

import libnacl.public
from saltyrtc.server import create_ssl_context, load_permanent_key, serve
from saltyrtc.server.protocol import PathClient


def emit(**event):
    print(json.dumps(event), flush=True)


def report_pongs():
    """The server itself only counts pongs."""
    original = PathClient.wait_pong

    async def wait_pong(client, pong):
        await original(client, pong)
        emit(event='pong')

    PathClient.wait_pong = wait_pong


async def run(chain, key, secret_key=None):
    report_pongs()
    if secret_key is None:
        permanent_key = libnacl.public.SecretKey()
    else:
        permanent_key = load_permanent_key(secret_key)
    server = await serve(
        create_ssl_context(certfile=chain, keyfile=key), [permanent_key], host='127.0.0.1', port=0)
    listener = server.server.sockets[0]
    emit(
        event='listening',
        port=listener.getsockname()[1],
        publicKey=permanent_key.hex_pk().decode('ascii'))
    await asyncio.get_event_loop().run_in_executor(None, sys.stdin.read)
    server.close()
    await server.wait_closed()


if __name__ == '__main__':
    if len(sys.argv) not in (3, 4):
        sys.exit('usage: server.py CHAIN KEY [SECRET_KEY]')
    asyncio.get_event_loop().run_until_complete(run(*sys.argv[1:]))
