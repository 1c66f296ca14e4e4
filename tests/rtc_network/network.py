"""A small Internet in network namespaces: README.md has the picture.

Needs root, iproute2 and nftables; for the TURN server, coturn and openssl. Everything has names of its own
and goes away with the object, also after a failure; what a killed run left behind, the next one removes.
"""

import ctypes
import itertools
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import programs

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "saltyrtc-test"
# Documentation addresses: they exist nowhere else.
SERVER = "198.51.100.1"
SERVER6 = "2001:db8::1"
SIGNALLING_PORT = 8765
TURN_PORT = 3478
TURNS_PORT = 5349
TURN_USER = "user"
TURN_PASSWORD = "password"
# Longer than anything takes, in seconds.
LIMIT = 60

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """In a child process: no test leaves a process behind, however it ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def remove_namespaces(of_process):
    """Those of the process, which has ended or is this one."""
    for line in run("ip", "netns", "list").splitlines():
        if line.startswith(f"{PREFIX}-{of_process}-"):
            run("ip", "netns", "delete", line.split()[0])


def remove_leftovers():
    for line in run("ip", "netns", "list").splitlines():
        match = re.match(rf"{PREFIX}-(\d+)-", line)
        if match and not Path("/proc", match[1]).exists():
            # Several names may have been of the same process.
            remove_namespaces(match[1])


class Nat:
    """How a NAT chooses ports. Neither kind lets anything in that was not asked for."""

    # Another port for each destination: peers behind two of these meet only over TURN.
    SYMMETRIC = "masquerade random,fully-random"
    # The same port for all destinations, if it is free: two of these can be crossed by hole punching.
    PORT_RESTRICTED = "masquerade"


class Link:
    """How the link between a client and its NAT is, each way: link.c says what these are."""

    def __init__(self, delay_ms=0, loss_percent=0, rate_mbit=0, queue_ms=50):
        self.options = [f"--delay={delay_ms}", f"--loss={loss_percent}", f"--rate={rate_mbit}", f"--queue={queue_ms}"]


class Network:
    """The namespaces `internet`, `nat-a`, `client-a`, `nat-b` and `client-b`."""

    counter = itertools.count(1)

    def __init__(self, nat_a=Nat.SYMMETRIC, nat_b=Nat.SYMMETRIC, link_a=None, link_b=None):
        self.id = f"{os.getpid()}-{next(Network.counter)}"
        self.namespaces = []
        self.processes = []
        self.links = {}
        self.sockets = []
        self.directory = tempfile.TemporaryDirectory(prefix=f"{PREFIX}-")
        self.server_key = None
        try:
            remove_leftovers()
            self._add_namespace("internet")
            self._ip("internet", "link", "add", "net", "type", "bridge")
            self._ip("internet", "address", "add", f"{SERVER}/24", "dev", "net")
            self._ip("internet", "link", "set", "net", "up")
            # What is sent to private addresses vanishes, as on the Internet; coturn ends an allocation whose
            # packets the system refuses to send.
            self._ip("internet", "link", "add", "nowhere", "type", "veth", "peer", "name", "nobody")
            for device in ("nowhere", "nobody"):
                self._ip("internet", "link", "set", device, "arp", "off", "up")
            self._ip("internet", "route", "add", "default", "dev", "nowhere")
            self._add_side("a", nat_a, link_a)
            self._add_side("b", nat_b, link_b)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends all processes and removes all namespaces."""
        for udp in self.sockets:
            udp.close()
        for process in reversed(self.processes):
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()
        self.processes.clear()
        for name in reversed(self.namespaces):
            subprocess.run(["ip", "netns", "delete", self._full(name)], check=False)
        self.namespaces.clear()
        self.directory.cleanup()

    # --- What a test does with it ---

    def popen(self, namespace, *command, **options):
        """Starts a program in a namespace. It ends with the network, at the latest."""
        process = subprocess.Popen(["ip", "netns", "exec", self._full(namespace), *map(str, command)],
                                   preexec_fn=die_with_parent, **options)
        self.processes.append(process)
        return process

    def run(self, namespace, *command):
        """Runs a program in a namespace and returns what it prints. Raises if it fails."""
        return run("ip", "netns", "exec", self._full(namespace), *map(str, command))

    def call(self, namespace, function, *arguments):
        """Runs a Python function in a namespace. Sockets that it makes stay there."""
        result = []

        def in_thread():
            try:
                with open(f"/run/netns/{self._full(namespace)}", "rb") as file:
                    if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result.append((function(*arguments), None))
            except BaseException as error:  # goes on in the caller
                result.append((None, error))

        # A thread has a network namespace of its own.
        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        value, error = result[0]
        if error is not None:
            raise error
        return value

    def udp_socket(self, namespace, address="0.0.0.0", port=0):
        def make():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((address, port))
            udp.settimeout(LIMIT)
            return udp

        self.sockets.append(self.call(namespace, make))
        return self.sockets[-1]

    def nat_address(self, side):
        """The address of the NAT on the Internet."""
        return f"198.51.100.{11 if side == 'a' else 12}"

    def client_address(self, side, subnet=0):
        """The address of the client, in the first or (after change_address) the second subnet."""
        return f"10.{1 if side == 'a' else 2}.{subnet}.2"

    def block_udp(self, side):
        """From now on the NAT of this side lets no UDP out, as many company networks do."""
        self._nft(side, "add rule inet filter forward meta l4proto udp drop")

    def block_direct_paths(self):
        """From now on nothing gets from one NAT to the other."""
        for side, other in ("ab", "ba"):
            self._nft(side, "add chain inet filter direct { type filter hook forward priority 1; }")
            self._nft(side, f"add rule inet filter direct ip daddr {self.nat_address(other)} drop")

    def allow_direct_paths(self):
        for side in "ab":
            self._nft(side, "flush chain inet filter direct")

    def swallow(self, side, subnet=0):
        """From now on everything from and to this address of the client vanishes on the way, without a word."""
        self._nft(side, "add chain inet filter silent { type filter hook forward priority 1; }")
        for direction in ("saddr", "daddr"):
            self._nft(side, f"add rule inet filter silent ip {direction} {self.client_address(side, subnet)} drop")

    def swallow_ipv6(self, side):
        self._nft(side, "insert rule inet filter forward meta nfproto ipv6 drop")

    def give_back(self, side):
        """The end of `swallow`."""
        self._nft(side, "flush chain inet filter silent")

    def set_mtu(self, side, mtu):
        """The link between the client and its NAT carries packets of so many bytes."""
        for end in ("client", "nat"):
            self._ip(f"{end}-{side}", "link", "set", "lan", "mtu", str(mtu))

    def block_icmp(self, side):
        """From now on nobody learns of the NAT of this side that a packet was too large."""
        self._nft(side, "add chain inet filter own { type filter hook output priority 0; }")
        self._nft(side, "add rule inet filter own meta l4proto icmp drop")

    def change_address(self, side):
        """The client moves into the other network of its NAT. Its old address is gone at once."""
        client = f"client-{side}"
        old, new = self.client_address(side), self.client_address(side, 1)
        router = new[:-1] + "1"
        self._ip(client, "address", "add", f"{new}/24", "dev", "lan")
        self._ip(client, "route", "replace", "default", "via", router)
        self._ip(client, "address", "delete", f"{old}/24", "dev", "lan")

    def connect_again(self, side, device):
        """The client gets a second way to its NAT, for its second address, over a device of its own. Packets from that
        address take it, as on a phone; the default route is what it was."""
        router, client, address = f"nat-{side}", f"client-{side}", self.client_address(side, 1)
        gateway = address[:-1] + "1"
        run("ip", "link", "add", device, "netns", self._full(router), "type", "veth",
            "peer", "name", device, "netns", self._full(client))
        self._ip(router, "address", "delete", f"{gateway}/24", "dev", "lan")
        self._ip(router, "address", "add", f"{gateway}/24", "dev", device)
        self._ip(router, "link", "set", device, "up")
        self._ip(client, "link", "set", device, "up")
        self._ip(client, "rule", "add", "from", address, "lookup", "100")
        self._ip(client, "address", "add", f"{address}/24", "dev", device)
        self._ip(client, "route", "add", "default", "via", gateway, "dev", device, "table", "100")

    def prefer(self, side, device):
        """The default route of the client leads over this device of `connect_again`."""
        gateway = self.client_address(side, 1)[:-1] + "1"
        self._ip(f"client-{side}", "route", "replace", "default", "via", gateway, "dev", device)

    def disconnect_again(self, side, device):
        """The device of `connect_again` vanishes, and what went over it."""
        self._ip(f"client-{side}", "link", "delete", device)
        self._ip(f"client-{side}", "route", "replace", "default", "via", self.client_address(side)[:-1] + "1")

    def subnet_of(self, side, port):
        """Which of its two addresses the client has a UDP socket with this port on."""
        sockets = self.run(f"client-{side}", "ss", "-Huna")
        return next(subnet for subnet in (0, 1) if f"{self.client_address(side, subnet)}:{port} " in sockets)

    def add_bridges(self, side, count):
        """The client gets bridges as for containers: with two addresses each, over which nobody is reached."""
        client = f"client-{side}"
        for number in range(count):
            self._ip(client, "link", "add", f"bridge-{number}", "type", "bridge")
            for net in (20, 21):
                self._ip(client, "address", "add", f"172.{net}.{number}.1/24", "dev", f"bridge-{number}")
            # Something is connected to it, so that it counts as up.
            self._ip(client, "link", "add", f"port-{number}", "type", "veth", "peer", "name", f"inside-{number}")
            self._ip(client, "link", "set", f"inside-{number}", "up")
            self._ip(client, "link", "set", f"port-{number}", "master", f"bridge-{number}", "up")
            self._ip(client, "link", "set", f"bridge-{number}", "up")

    def join_sides(self):
        """A network of their own for both clients, besides what they have."""
        run("ip", "link", "add", "shared", "netns", self._full("client-a"), "type", "veth",
            "peer", "name", "shared", "netns", self._full("client-b"))
        for number, side in enumerate("ab", 1):
            self._ip(f"client-{side}", "address", "add", f"192.168.99.{number}/24", "dev", "shared")
            self._ip(f"client-{side}", "link", "set", "shared", "up")

    def add_ipv6(self):
        """IPv6 for everybody, without translation; the NATs let in only what was asked for, as with IPv4."""
        self._ip("internet", "address", "add", f"{SERVER6}/64", "dev", "net", "nodad")
        for number, side in enumerate("ab", 11):
            router, client = f"nat-{side}", f"client-{side}"
            self.run(router, "sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")
            self._ip(router, "address", "add", f"2001:db8::{number}/64", "dev", "wan", "nodad")
            self._ip(router, "address", "add", f"2001:db8:{number}::1/64", "dev", "lan", "nodad")
            self._ip(router, "route", "add", "default", "via", SERVER6)
            self._ip("internet", "route", "add", f"2001:db8:{number}::/64", "via", f"2001:db8::{number}")
            self._ip(client, "address", "add", f"2001:db8:{number}::2/64", "dev", "lan", "nodad")
            self._ip(client, "route", "add", "default", "via", f"2001:db8:{number}::1")
        self.run("internet", "sysctl", "-q", "-w", "net.ipv6.conf.all.forwarding=1")

    def remove_ipv6(self, side):
        """The client has nothing but IPv4 any more."""
        self._ip(f"client-{side}", "-6", "address", "flush", "dev", "lan")

    def remove_ipv4(self, side):
        """The client has nothing but IPv6 on its way out."""
        self._ip(f"client-{side}", "address", "delete", f"{self.client_address(side)}/24", "dev", "lan")

    def cut_link(self, side, cut):
        """Loses everything on the link of this side from now on, or nothing but its share any more."""
        self.links[side].stdin.write("down\n" if cut else "up\n")
        self.links[side].stdin.flush()

    def start_server(self, program, *options):
        """Starts saltyrtc-server; returns its URL. Its key is in `server_key`. It is there over IPv6, too."""
        key = Path(self.directory.name, "server.key")
        output = run(str(program), "generate", str(key))
        environment = {**os.environ, "SALTYRTC_SAFETY_OFF": "yes-and-i-know-what-im-doing"}
        server = self.popen("internet", program, "serve", "-h", "::", "-p", SIGNALLING_PORT,
                            "-k", key, "--admin", "off", *options, env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = re.search(r"\b[0-9a-f]{64}\b", output)
        self.server_key = found and found[0]
        for line in server.stdout:
            if line.startswith("Started"):
                return f"ws://{SERVER}:{SIGNALLING_PORT}"
        raise RuntimeError("saltyrtc-server did not start")

    def start_turn(self):
        """Starts coturn: STUN and TURN over UDP and TCP, TURN over TLS. Its certificate is `turn_ca`."""
        certificate, key = (Path(self.directory.name, f"turn.{kind}") for kind in ("crt", "key"))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=turn.test",
            # No server may use a certificate that is for signing others.
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", f"subjectAltName=DNS:turn.test,IP:{SERVER}")
        log = Path(self.directory.name, "turn.log")
        with log.open("w") as file:
            turn = self.popen(
                "internet", "turnserver", "-n", "--no-cli", "--no-dtls", "--lt-cred-mech", "--fingerprint",
                "--listening-ip", SERVER, "--relay-ip", SERVER, "--listening-port", TURN_PORT,
                "--tls-listening-port", TURNS_PORT, "--realm", "test", "--user", f"{TURN_USER}:{TURN_PASSWORD}",
                "--cert", certificate, "--pkey", key, "--min-port", 49152, "--max-port", 49999,
                "--pidfile", Path(self.directory.name, "turn.pid"),
                "--userdb", Path(self.directory.name, "turn.db"),
                "--relay-threads", 1, "--simple-log", "--log-file", "stdout",
                stdout=file, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + LIMIT
        for port in (TURN_PORT, TURNS_PORT):
            while not self.call("internet", listens, (SERVER, port)):
                if turn.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"coturn did not start:\n{log.read_text()}")
        self.turn_ca = certificate

    def turn_url(self, transport):
        """For `udp`, `tcp` or `tls`; or `stun`, for the same server without its relays."""
        return {
            "stun": f"stun:{SERVER}:{TURN_PORT}",
            "udp": f"turn:{SERVER}:{TURN_PORT}?transport=udp",
            "tcp": f"turn:{SERVER}:{TURN_PORT}?transport=tcp",
            "tls": f"turns:{SERVER}:{TURNS_PORT}?transport=tcp",
        }[transport]

    # --- How it is built ---

    def _full(self, namespace):
        return f"{PREFIX}-{self.id}-{namespace}"

    def _ip(self, namespace, *arguments):
        return run("ip", "-n", self._full(namespace), *arguments)

    def _nft(self, side, rules):
        return self.run(f"nat-{side}", "nft", rules)

    def _add_namespace(self, name):
        run("ip", "netns", "add", self._full(name))
        self.namespaces.append(name)
        self._ip(name, "link", "set", "lo", "up")

    def _add_side(self, side, nat, link):
        router, client = f"nat-{side}", f"client-{side}"
        self._add_namespace(router)
        self._add_namespace(client)
        run("ip", "link", "add", "wan", "netns", self._full(router), "type", "veth",
            "peer", "name", router, "netns", self._full("internet"))
        self._ip("internet", "link", "set", router, "master", "net", "up")
        if link is None:
            run("ip", "link", "add", "lan", "netns", self._full(router), "type", "veth",
                "peer", "name", "lan", "netns", self._full(client))
        else:
            self._add_link(side, link)
        self._ip(router, "address", "add", f"{self.nat_address(side)}/24", "dev", "wan")
        self._ip(router, "link", "set", "wan", "up")
        for subnet in (0, 1):
            self._ip(router, "address", "add", f"{self.client_address(side, subnet)[:-1]}1/24", "dev", "lan")
        self._ip(router, "link", "set", "lan", "up")
        self._ip(client, "address", "add", f"{self.client_address(side)}/24", "dev", "lan")
        self._ip(client, "link", "set", "lan", "up")
        self._ip(client, "route", "add", "default", "via", f"{self.client_address(side)[:-1]}1")
        self.run(router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        self._nft(side, f"""
            table ip nat {{
                chain postrouting {{
                    type nat hook postrouting priority srcnat;
                    oifname "wan" {nat}
                }}
            }}
            table inet filter {{
                chain input {{
                    type filter hook input priority 0;
                    iifname "wan" ct state new drop
                }}
                chain forward {{
                    type filter hook forward priority 0;
                    iifname "wan" ct state new,invalid drop
                    oifname "wan" ip daddr 10.0.0.0/8 drop
                }}
            }}""")

    def _add_link(self, side, link):
        taps = [f"st{self.id}{side}{end}".replace("-", "x") for end in (0, 1)]
        # What is lost differs between the sides, and not from one run to the next.
        seed = "2" if side == "a" else "3"
        process = subprocess.Popen([programs.LINK, *taps, *link.options, f"--seed={seed}"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent)
        self.processes.append(process)
        self.links[side] = process
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the link did not start")
        for tap, namespace in zip(taps, (f"client-{side}", f"nat-{side}")):
            run("ip", "link", "set", tap, "netns", self._full(namespace), "name", "lan")


def listens(address):
    try:
        socket.create_connection(address, timeout=LIMIT).close()
        return True
    except ConnectionRefusedError:
        return False
