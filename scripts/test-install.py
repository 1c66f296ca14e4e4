#!/usr/bin/env python3
"""Programs that know nothing but what `make install` has installed: with pkg-config and with CMake, shared and static;
and the steps of README.md and docs/operating.md, as they stand there.

The argument is a directory that is made anew. What is installed is the library that scripts/test-c.sh built.
"""

import os
import shutil
import subprocess

from installed import BUILT, ENVIRONMENT, LIB, LIMIT, OUT, PREFIX, ROOT, block, check, make, prepare, run, start

CMAKE = """
cmake_minimum_required(VERSION 3.13)
project(programs LANGUAGES C CXX)
find_package(saltyrtc 0.1 REQUIRED)
add_compile_definitions(_POSIX_C_SOURCE=200809L)
set(CMAKE_CXX_STANDARD 17)
foreach(kind saltyrtc static)
    add_executable(hello_${kind} hello.c)
    target_link_libraries(hello_${kind} PRIVATE saltyrtc::${kind})
endforeach()
add_executable(cpp_hello cpp_hello.cpp)
target_link_libraries(cpp_hello PRIVATE saltyrtc::saltyrtc)
find_package(saltyrtc 0.2 QUIET)
if(saltyrtc_FOUND)
    message(FATAL_ERROR "another ABI is not what was asked for")
endif()
"""


def needed_libraries(program):
    """The shared libraries that a program names."""
    return [line.split("[")[1].rstrip("]") for line in run("readelf", "-d", program).splitlines() if "(NEEDED)" in line]


def install():
    prepare()
    # A cache of the loader of its own. Only root has one to renew, and not for a package that is being made.
    (OUT / "ld.so.conf").write_text(f"{LIB}\n")
    cache = OUT / "ld.so.cache"
    ldconfig = f"{shutil.which('ldconfig') or '/sbin/ldconfig'} -C {cache} -f {OUT / 'ld.so.conf'}"
    make("install", f"LDCONFIG={ldconfig}", f"DESTDIR={OUT / 'package'}")
    check(not cache.exists(), "a package that is made leaves the loader alone")
    make("install", f"LDCONFIG={ldconfig}")
    known = run(*ldconfig.split(), "-p") if cache.exists() else ""
    check(("libsaltyrtc.so.0" in known) == (os.geteuid() == 0), f"the loader knows the library: {known}")
    shutil.rmtree(OUT / "package")
    for source in ("hello.c", "cpp_hello.cpp"):
        shutil.copy(ROOT / "examples-c" / source, OUT)


def first_program():
    (OUT / "first.c").write_text(block("README.md", "c", "getchar()"))
    (OUT / "examples-c").symlink_to(ROOT / "examples-c")
    steps = [line.split("#")[0].strip() for line in block("README.md", "sh", "first.c").splitlines()]
    check(steps[0] == "sudo make install" and len(steps) == 5, f"steps as they are known: {steps}")
    for step in steps[1:3]:
        run("sh", "-c", step)
    check("invitation" in ends_badly("./first", "nonsense"), "it says why it ends")

    invite, join = steps[3], steps[4].split()[0]
    with start(invite) as chat:
        uri = next(line for line in chat.stdout if "ws://" in line).strip()
        # Each line at once, as on a terminal.
        with start(f"stdbuf -oL {join}", uri) as first:
            said = next(line for line in chat.stdout if line.strip())
            check(said.strip() == "Hello from C", f"the program says hello: {said}")
            chat.stdin.write("Hello from README\n")
            chat.stdin.close()
            check(chat.wait(LIMIT) == 0, "the chat ends when its input ends")
            # It ends at the next key: not before it has said everything.
            heard = []
            for line in first.stdout:
                heard.append(line.strip())
                if line.startswith("closed: "):
                    break
            check(heard[0] == "received: Hello from README", f"it hears and says so: {heard}")
            check(heard[-1].startswith("closed: "), f"and that it has ended: {heard}")
            first.communicate("\n", timeout=LIMIT)
            check(first.returncode == 0, "it ends")


def ends_badly(*command):
    result = subprocess.run(command, cwd=OUT, env=ENVIRONMENT, text=True, capture_output=True, timeout=LIMIT, check=False)
    check(result.returncode == 1, f"{command} fails")
    return result.stderr


def server_with_systemd():
    """In a system of its own, which has nothing but what was installed; systemd only says what it was asked for."""
    system = OUT / "system"
    (system / "etc").mkdir(parents=True)
    (system / "bin").mkdir()
    for name in ("systemctl", "systemd-sysusers"):
        (system / "bin" / name).write_text(f'#!/bin/sh\necho {name} "$@" >>"{system}/asked"\n')
        (system / "bin" / name).chmod(0o755)
    steps = block("docs/operating.md", "sh", "systemd-sysusers").replace("/etc/", f"{system}/etc/")
    path = f"{system / 'bin'}:{PREFIX / 'bin'}:{os.environ['PATH']}"
    run("sh", "-ec", steps, env={**ENVIRONMENT, "PATH": path})
    check("host" in (system / "etc/saltyrtc-server/config.toml").read_text(), "the configuration is there")
    asked = (system / "asked").read_text().splitlines()
    check(asked.index("systemctl daemon-reload") < asked.index("systemctl enable --now saltyrtc-server"),
          f"systemd reads the new files before it starts one: {asked}")


def keys_of_container():
    """A user who is nobody but a member of the group can read the keys, and nobody else can."""
    keys = OUT / "keys"
    keys.mkdir(mode=0o700)
    run(PREFIX / "bin/saltyrtc-server", "generate", keys / "permanent.key")
    steps = block("docs/operating.md", "sh", "docker run").split("docker run")[0]
    if os.geteuid() != 0:
        steps = steps.replace("65532", str(os.getegid()))
    run("sh", "-ec", steps.replace("/srv/keys", str(keys)))
    for path, mode in ((keys, 0o750), (keys / "permanent.key", 0o640)):
        check(path.stat().st_mode & 0o777 == mode, f"{path} is for owner and group")
        check(os.geteuid() != 0 or path.stat().st_gid == 65532, f"{path} is of the group")


def all_static():
    flags = run("pkg-config", "--static", "--cflags", "--libs", "saltyrtc").split()
    run("gcc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-static", "hello.c", "-o", "all_static", *flags)
    check(needed_libraries("all_static") == [], "gcc -static makes a program that needs no shared library")
    run("./all_static")


def cmake():
    (OUT / "CMakeLists.txt").write_text(CMAKE)
    run("cmake", "-S", ".", "-B", "cmake", f"-DCMAKE_PREFIX_PATH={PREFIX}")
    run("cmake", "--build", "cmake")
    for program, shared in (("hello_saltyrtc", True), ("hello_static", False), ("cpp_hello", True)):
        names = needed_libraries(f"cmake/{program}")
        check(any(name.startswith("libsaltyrtc.") for name in names) == shared, f"{program} is linked as asked: {names}")
        run(f"cmake/{program}")


def uninstall():
    make("uninstall", "LDCONFIG=true")
    left = [str(path) for path in PREFIX.rglob("*") if not path.is_dir()]
    check(left == [], f"nothing is left: {left}")


install()
first_program()
server_with_systemd()
keys_of_container()
all_static()
cmake()
uninstall()
