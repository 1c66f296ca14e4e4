#!/usr/bin/env python3
"""A network link that loses and delays: link.py TAP1 TAP2 DELAY_MS LOSS_PERCENT [SEED]

Makes two TAP devices and carries Ethernet frames between them, each way with this delay and this loss.
The kernel's netem does the same, but many kernels come without it. Prints "ready" once the devices are
there, and runs until its input ends.
"""

import collections
import fcntl
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
LARGEST_FRAME = 65536
# What is on the way, each way. A real router does not keep more either.
QUEUE_FRAMES = 10_000


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def read_frames(tap):
    while True:
        try:
            yield os.read(tap, LARGEST_FRAME)
        except BlockingIOError:
            return
        except OSError:
            return  # the device is down


def write_frame(tap, frame):
    try:
        os.write(tap, frame)
    except OSError:
        pass  # the device is down, or full: the frame is lost, as on any link


def main():
    first, second, delay, loss = sys.argv[1:5]
    delay = float(delay) / 1000
    loss = float(loss) / 100
    chance = random.Random(int(sys.argv[5]) if len(sys.argv) > 5 else None)
    taps = [open_tap(first), open_tap(second)]
    # From each device to the other one. The delay is constant, so that the order stays.
    ways = {taps[0]: (taps[1], collections.deque()), taps[1]: (taps[0], collections.deque())}
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    for tap in taps:
        poll.register(tap, select.EPOLLIN)
    print("ready", flush=True)
    while True:
        due = min((queue[0][0] for _, queue in ways.values() if queue), default=None)
        wait = -1 if due is None else max(0, due - time.monotonic())
        for ready, _ in poll.poll(wait):
            if ready == 0:
                return
            _, queue = ways[ready]
            arrival = time.monotonic() + delay
            for frame in read_frames(ready):
                if chance.random() >= loss and len(queue) < QUEUE_FRAMES:
                    queue.append((arrival, frame))
        now = time.monotonic()
        for to, queue in ways.values():
            while queue and queue[0][0] <= now:
                write_frame(to, queue.popleft()[1])


if __name__ == "__main__":
    main()
