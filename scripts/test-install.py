#!/usr/bin/env python3
"""Programs that know nothing but what `make install` has installed: with pkg-config and with CMake, shared and static.

The argument is a directory that is made anew. What is installed is the library that scripts/test-c.sh built.
"""

import os
import pathlib
import shutil
import subprocess
import sys

LIMIT = 300  # seconds; longer than anything takes
ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(sys.argv[1]).resolve()
PREFIX = OUT / "prefix"
LIB = PREFIX / "lib"
BUILT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "debug"
ENVIRONMENT = {**os.environ, "PKG_CONFIG_PATH": str(LIB / "pkgconfig"), "LD_LIBRARY_PATH": str(LIB)}
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


def run(*command, **more):
    """The output of a command that has to succeed, in the directory of the programs."""
    more = {"cwd": OUT, "env": ENVIRONMENT, **more}
    result = subprocess.run([str(part) for part in command], text=True, timeout=LIMIT,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {result.returncode}\n{result.stdout}")
    return result.stdout


def check(condition, what):
    if not condition:
        sys.exit(f"not true: {what}")


def needed_libraries(program):
    """The shared libraries that a program names."""
    return [line.split("[")[1].rstrip("]") for line in run("readelf", "-d", program).splitlines() if "(NEEDED)" in line]


def install():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    run("make", "-s", "install-library", f"PREFIX={PREFIX}", f"TARGET={BUILT}", cwd=ROOT)
    for source in ("hello.c", "cpp_hello.cpp"):
        shutil.copy(ROOT / "examples-c" / source, OUT)


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
    run("make", "-s", "uninstall", f"PREFIX={PREFIX}", f"TARGET={BUILT}", cwd=ROOT)
    left = [str(path) for path in PREFIX.rglob("*") if not path.is_dir()]
    check(left == [], f"nothing is left: {left}")


install()
all_static()
cmake()
uninstall()
