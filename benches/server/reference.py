"""
Runs the reference server `saltyrtc.server` without TLS until it is killed.

    python reference.py ADDRESS:PORT
"""
import asyncio
import sys

import libnacl.public
from saltyrtc.server import serve


async def run(host, port):
    await serve(None, [libnacl.public.SecretKey()], host=host, port=int(port))


if __name__ == '__main__':
    loop = asyncio.get_event_loop()
    loop.run_until_complete(run(*sys.argv[1].rsplit(':', 1)))
    loop.run_forever()
