#!/usr/bin/env python3
"""Shows the messages of SaltyRTC between clients and a server: a proxy without TLS, for debugging.

    trace.py PORT SERVER-PORT     listens on 127.0.0.1:PORT, and passes on to 127.0.0.1:SERVER-PORT

Give clients the URL ws://127.0.0.1:PORT. A line has the number of the connection, the direction (> to the server, < from
it), source and destination, the beginning of the cookie, the sequence number, the size of the message in bytes, and what
can be read without a key: the type of the two messages that are not encrypted, and the code of a close frame.
"""

import asyncio
import re
import sys


def describe(message):
    """A message of SaltyRTC: a nonce of 24 bytes, and what is encrypted with it."""
    if len(message) <= 24:
        return f"{len(message)} bytes, which is no message of SaltyRTC"
    cookie, source, destination, number = message[:16], message[16], message[17], int.from_bytes(message[18:24], "big")
    kind = re.search(rb"(?:server|client)-hello", message[24:64])
    return (f"0x{source:02x} -> 0x{destination:02x}  cookie {cookie[:4].hex()}  number {number:10}  {len(message):4} bytes"
            f"  {kind[0].decode() if kind else ''}").rstrip()


def take_frame(data):
    """Takes a frame of WebSocket (RFC 6455, section 5.2) off `data`: its opcode and content. None: it is not whole yet."""
    if len(data) < 2:
        return None
    size, begin = data[1] & 0x7f, 2
    if size >= 126:
        begin += 2 if size == 126 else 8
        size = int.from_bytes(data[2:begin], "big")
    masked = data[1] & 0x80
    mask = data[begin:begin + 4] if masked else bytes(4)
    begin += 4 if masked else 0
    if len(data) < begin + size:
        return None
    content = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data[begin:begin + size]))
    opcode = data[0] & 0x0f
    del data[:begin + size]
    return opcode, content


async def show(what, reader, writer):
    """Passes on what one side says to the other."""
    data, head = bytearray(), True
    while piece := await reader.read(65536):
        data += piece
        if head and b"\r\n\r\n" in data:
            del data[:data.index(b"\r\n\r\n") + 4]
            head = False
        while not head and (frame := take_frame(data)):
            opcode, content = frame
            if opcode == 2:
                print(what, describe(content), flush=True)
            elif opcode == 8:
                print(what, f"close {int.from_bytes(content[:2], 'big') or ''}".rstrip(), flush=True)
            else:
                print(what, {1: "text", 9: "ping", 10: "pong"}.get(opcode, f"opcode {opcode}"), flush=True)
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def main(port, server_port):
    count = 0

    async def connection(reader, writer):
        nonlocal count
        count += 1
        number = count
        from_server, to_server = await asyncio.open_connection("127.0.0.1", server_port)
        await asyncio.gather(show(f"{number} >", reader, to_server), show(f"{number} <", from_server, writer),
                             return_exceptions=True)
        for end in (writer, to_server):
            end.close()

    async with await asyncio.start_server(connection, "127.0.0.1", port) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
    except KeyboardInterrupt:
        pass
