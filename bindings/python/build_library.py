"""Puts the shared library into the wheel: one that is given, or one that is built with Rust.

SALTYRTC_LIBRARY          the file, so that nothing is built
SALTYRTC_WHEEL_PLATFORM   the platform in the name of the wheel, for example manylinux_2_17_x86_64
"""

import atexit
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAMES = {"win32": "saltyrtc.dll", "darwin": "libsaltyrtc.dylib"}
FEATURES = "client,server,webrtc,capi"


def temporary():
    """A directory for as long as this process builds, which may become a gigabyte."""
    path = Path(tempfile.mkdtemp(prefix="saltyrtc-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


class BuildLibrary(BuildHookInterface):
    """Called by hatchling."""

    def initialize(self, version, build_data):
        if self.target_name == "sdist":
            self.add_sources(build_data)
        if self.target_name != "wheel" or version == "editable":
            return
        name = NAMES.get(sys.platform, "libsaltyrtc.so")
        given = os.environ.get("SALTYRTC_LIBRARY")
        library = Path(given) if given else self.build(name)
        if not library.is_file():
            raise SystemExit(f"saltyrtc: there is no library {library}")
        platform = os.environ.get("SALTYRTC_WHEEL_PLATFORM") or sysconfig.get_platform()
        # The same for all versions of Python, because no code is compiled against one of them.
        build_data["tag"] = "py3-none-" + platform.replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        # The name tells the loader which one it is, whatever the file was called before.
        build_data["force_include"][str(library)] = f"saltyrtc/_lib/{name}"

    def add_sources(self, build_data):
        """An sdist has the crate in it, as cargo packs it."""
        sources = self.sources()
        if sources.name != "rust":
            packed = temporary()
            command = ["cargo", "package", "--locked", "--no-verify", "--allow-dirty", "--quiet", "--target-dir", packed]
            subprocess.run(command, cwd=sources, check=True)
            (crate,) = (packed / "package").glob("*.crate")
            with tarfile.open(crate) as archive:
                archive.extractall(packed)
            sources = packed / crate.stem
            for licence in sources.glob("LICENSE-*"):
                build_data["force_include"][str(licence)] = licence.name
        build_data["force_include"][str(sources)] = "rust"

    def sources(self):
        root = Path(self.root)
        for place in (root / "rust", root.parent.parent):
            if (place / "Cargo.toml").is_file():
                return place
        raise SystemExit("saltyrtc: the sources of the library are not here: use an sdist, or a checkout as a whole")

    def build(self, name):
        sources = self.sources()
        cargo = shutil.which("cargo")
        if cargo is None:
            raise SystemExit(
                "saltyrtc: there is no wheel for this system, so the library has to be built, which needs Rust: "
                "install it (https://rustup.rs), and try again"
            )
        target = os.environ.get("CARGO_TARGET_DIR") or temporary()
        command = [cargo, "build", "--release", "--locked", "--lib", "--no-default-features", f"--features={FEATURES}"]
        subprocess.run([*command, f"--target-dir={target}"], cwd=sources, check=True)
        return Path(target) / "release" / name
