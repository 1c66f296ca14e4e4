"""The library, installed into a prefix of its own, and programs that know nothing but that: what the tests of README, of
the guide and of the packages have in common.

The first argument of a script that uses this is a directory that is made anew. What is installed is the library that
scripts/test-c.sh built.
"""

import os
import pathlib
import re
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


def make(target, *variables):
    run("make", "-s", target, f"PREFIX={PREFIX}", f"TARGET={BUILT}", *variables, cwd=ROOT)


def prepare():
    """Makes the directory anew."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)


def block(file, language, words):
    """The text of the one block of code in this file that has these words in it."""
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", (ROOT / file).read_text(), re.DOTALL) if words in text]
    check(len(found) == 1, f"{file} has one block of {language} with {words}")
    return found[0]


def start(*command):
    return subprocess.Popen([*command[0].split(), *command[1:]], cwd=OUT, env=ENVIRONMENT, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
