"""The end of the interpreter, forks, interpreters within a process, and log messages."""

import logging
import os
import subprocess
import sys
import textwrap
import threading

import pytest
import saltyrtc
from support import in_thread

ENDS = {
    "in the middle of connecting": """
        client = saltyrtc.sync.Initiator("ws://192.0.2.1")
        client.start()
    """,
    "with a loop that runs": """
        async def main():
            server.start()
            alice = saltyrtc.Initiator(server.url)
            alice.start()
            bob = saltyrtc.Responder(alice.invitation)
            bob.start()
            await asyncio.gather(alice.connected(), bob.connected())
            for _ in range(100):
                await bob.send(bytes(1000))
            waits = asyncio.ensure_future(alice.receive())
            await asyncio.sleep(0)
            sys.exit(0)
        asyncio.run(main())
    """,
    "with threads that wait": """
        server.start()
        alice = saltyrtc.sync.Initiator(server.url)
        alice.start()
        bob = saltyrtc.sync.Responder(alice.invitation)
        bob.start()
        for peer in (alice, bob):
            threading.Thread(target=lambda: list(peer), daemon=True).start()
        alice.connected()
        for number in range(1000):
            alice.send(number)
    """,
    "with WebRTC, and messages on their way": """
        server.start()
        tasks = [saltyrtc.WebRTC()]
        alice = saltyrtc.sync.Initiator(server.url, tasks=tasks)
        alice.start()
        bob = saltyrtc.sync.Responder(alice.invitation, tasks=tasks)
        bob.start()
        threading.Thread(target=lambda: list(bob.channels()), daemon=True).start()
        alice.connected()
        channel = alice.open_channel("bulk")
        for _ in range(50):
            channel.send(bytes(10_000))
    """,
    "with the log on": """
        logging.basicConfig(level=1, stream=open(os.devnull, "w"))
        saltyrtc.set_log_level(saltyrtc.LogLevel.TRACE)
        server.start()
        client = saltyrtc.sync.Initiator(server.url)
        client.start()
    """,
}

HEAD = """
import asyncio, logging, os, sys, threading
import saltyrtc
server = saltyrtc.Server()
"""


def run(code, *options, status=0):
    """Runs code in a Python of its own, and checks how it ends."""
    process = subprocess.run(
        [sys.executable, *options, "-c", HEAD + textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert process.returncode == status, f"{process.returncode}\n{process.stdout}\n{process.stderr}"
    return process


@pytest.mark.parametrize("where", ENDS)
def test_the_interpreter_ends(where):
    times = int(os.environ.get("SALTYRTC_TEST_EXITS", "1"))
    for job in [in_thread(run, ENDS[where], "-W", "ignore::ResourceWarning") for _ in range(times)]:
        process = job()
        assert "Fatal" not in process.stderr and "Traceback" not in process.stderr, process.stderr


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_fork():
    run("""
        import gc, warnings
        warnings.simplefilter("ignore")
        server.start()
        client = saltyrtc.sync.Initiator(server.url)
        client.start()
        child = os.fork()
        if child == 0:
            # Whatever the child does, it must not hang, and it must not touch what is the parent's.
            try:
                try:
                    saltyrtc.Server().start()
                except saltyrtc.NotPossible as error:
                    assert error.status == saltyrtc.Status.FORKED and "fork" in error.text, error
                else:
                    os._exit(3)
                try:
                    client.send("from the child")
                except saltyrtc.NotPossible as error:
                    assert error.status == saltyrtc.Status.FORKED, error
                else:
                    os._exit(5)
                del client
                gc.collect()
            except BaseException as error:
                print(error, file=sys.stderr)
                os._exit(4)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        with saltyrtc.sync.Responder(client.invitation) as bob:
            client.connected(60)
            client.send("the parent goes on")
            assert bob.receive(60) == "the parent goes on"
            client.close()
        server.stop()
    """)


@needs_fork
def test_a_child_does_not_wait_for_what_is_its_parents():
    run("""
        import warnings
        warnings.simplefilter("ignore")
        server.start()
        alice = saltyrtc.sync.Initiator(server.url)
        with alice, saltyrtc.sync.Responder(alice.invitation) as bob:
            alice.connected(60)
            # One thread waits for events, which the child does not have.
            waits = threading.Event()
            def receive():
                waits.set()
                assert bob.receive(60) == "for the parent"
            thread = threading.Thread(target=receive)
            thread.start()
            waits.wait()
            while True:
                # With the lock: then no other thread has it in the middle of something.
                with bob._pump.lock:
                    if bob._pump._pumping:
                        child = os.fork()
                        break
            if child == 0:
                for peer in (alice, bob):
                    try:
                        peer.receive()
                    except saltyrtc.NotPossible as error:
                        assert error.status == saltyrtc.Status.FORKED, error
                    else:
                        os._exit(3)
                # Leaves the block: what is the parent's stays open.
                sys.exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
            alice.send("for the parent")
            thread.join()
        server.stop()
    """)


INTERPRETERS = """
import importlib
module = importlib.import_module(NAME)
one = module.create()
code = '''
try:
    import saltyrtc
except ImportError as error:
    assert str(error), error
else:
    with saltyrtc.Server() as server, saltyrtc.sync.Initiator(server.url) as alice:
        with saltyrtc.sync.Responder(alice.invitation) as bob:
            alice.connected(60)
            alice.send("from an interpreter within")
            assert bob.receive(60) == "from an interpreter within"
'''
RUN
module.destroy(one)
# It has not stopped the library for this one.
with saltyrtc.Server() as server, saltyrtc.sync.Initiator(server.url) as alice:
    with saltyrtc.sync.Responder(alice.invitation) as bob:
        alice.connected(60)
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="only CPython has interpreters within a process")
def test_interpreters_within_a_process():
    if sys.version_info >= (3, 13):
        code = INTERPRETERS.replace("NAME", '"_interpreters"').replace(
            "RUN", "failed = module.exec(one, code)\nassert failed is None, failed")
    else:
        code = INTERPRETERS.replace("NAME", '"_xxsubinterpreters"').replace("RUN", "module.run_string(one, code)")
    run(code, "-W", "ignore")


def test_a_python_without_its_global_lock_is_refused():
    process = run("", status=0)
    code = """
    import sys
    sys._is_gil_enabled = lambda: False
    for name in [name for name in sys.modules if name.startswith("saltyrtc")]:
        del sys.modules[name]
    try:
        import saltyrtc
    except ImportError as error:
        assert "PYTHON_GIL=1" in str(error)
    else:
        sys.exit(1)
    """
    process = run(code)
    assert process.stderr == ""


def test_a_library_that_is_not_there_or_wrong(tmp_path):
    wrong = tmp_path / "no.so"
    code = f"""
    import os, sys
    os.environ["SALTYRTC_LIBRARY"] = {str(wrong)!r}
    for name in [name for name in sys.modules if name.startswith("saltyrtc")]:
        del sys.modules[name]
    try:
        import saltyrtc
    except ImportError as error:
        assert "cannot load" in str(error) and "no.so" in str(error), error
    else:
        sys.exit(1)
    """
    run(code)
    wrong.write_text("this is no library")
    run(code)


def test_a_library_that_is_too_old():
    from saltyrtc._native import library

    with pytest.raises(ImportError, match="older than this package.*saltyrtc_of_tomorrow"):
        library.declare({"saltyrtc_of_tomorrow": (None, [], False)})


def test_a_filter_that_fails_does_not_end_the_log(capsys):
    logger, calls = logging.getLogger("saltyrtc"), []
    enough = threading.Event()

    class Fails(logging.Handler):
        def handle(self, record):
            calls.append(record)
            if len(calls) == 3:
                enough.set()
            raise ZeroDivisionError

    handler, level = Fails(), logger.level
    logger.addHandler(handler)
    logger.setLevel(1)
    saltyrtc.set_log_level(saltyrtc.LogLevel.TRACE)
    try:
        with saltyrtc.Server() as server, saltyrtc.sync.Initiator(server.url):
            assert enough.wait(60)
    finally:
        saltyrtc.set_log_level(saltyrtc.LogLevel.OFF)
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_log_messages_get_into_logging(caplog):
    caplog.set_level(1, logger="saltyrtc")
    saltyrtc.set_log_level(saltyrtc.LogLevel.TRACE)
    try:
        with saltyrtc.Server() as server, saltyrtc.sync.Initiator(server.url) as alice:
            with saltyrtc.sync.Responder(alice.invitation) as bob:
                alice.connected(60)
                bob.connected(60)
                alice.send("not for the log")
                assert bob.receive(60) == "not for the log"
        saltyrtc.set_log_level(saltyrtc.LogLevel.DEBUG)
    finally:
        saltyrtc.set_log_level(saltyrtc.LogLevel.OFF)
    assert caplog.records and all(record.name.split(".")[0] == "saltyrtc" for record in caplog.records)
    assert {record.levelno for record in caplog.records} <= {5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR}
    for secret in ("not for the log", alice.invitation.token.hex()):
        assert secret not in caplog.text
