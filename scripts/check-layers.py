#!/usr/bin/env python3
"""Proves two things about the paths in src/:

1. No layer uses a layer above it, or one beside it (ARCHITECTURE.md, *Layers*).
2. No files use each other in a circle.

A file uses another one if its code names something that the other one defines: in a `use`, or in a path
like `crate::x::y`, `super::y` or `module::y`. Names are followed through re-exports to where they are
defined. So the `mod` and `pub use` lines that make up the face of a folder tie it to nothing, unless the
same file uses the name itself; and a file may use what its parent module defines, unless the parent uses
the file in turn. Methods are not followed, as that takes types. Tests may use whatever they like.

    scripts/check-layers.py              checks src/ of this repository
    scripts/check-layers.py --self-test  shows that it finds what it is to find
"""

import re
import sys
import tempfile
from pathlib import Path

# A layer may use the layers of the lines below its own.
LAYERS = [
    ["ffi"],
    ["client", "server"],
    ["transport", "rtc", "runtime"],
    ["sync"],
    ["task"],
    ["protocol"],
    ["chunking", "crypto"],
]
# These do no I/O, and have no clock, runtime or threads.
PURE = ["rtc", "task", "protocol", "chunking", "crypto"]
IMPURE = re.compile(
    r"\b(tokio|std::(?:thread|fs|sync::(?:\w+::)*(?:Mutex|RwLock|Condvar)|net::(?:Udp|Tcp)\w+)"
    r"|(?:Instant|SystemTime)::now)\b"
)
# What cannot be helped: `sctp-proto` reads the clock when it connects, so ours has to be set by it.
HELPLESS = {("rtc/association/sctp/mod.rs", "Instant::now")}
# Folders without circles.
WITHOUT_CIRCLES = ["chunking", "client", "protocol", "rtc", "task", "transport"]

ITEM = re.compile(
    r"(?:^|[;{}\]\n])\s*(?:pub(?:\([^)]*\))?\s+)?(?:default\s+)?(?:const\s+|async\s+|unsafe\s+|extern\s+)*"
    r"(?:fn|struct|enum|union|trait|type|const|static|macro_rules!)\s+(?:mut\s+)?([A-Za-z_]\w*)"
)
PATH = re.compile(r"(?<![\w:$.'])((?:[A-Za-z_]\w*)(?:\s*::\s*[A-Za-z_]\w*)+)")


class Trouble(Exception):
    """What the script cannot make sense of: better than overlooking it."""


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def strip(code):
    """The code without comments and without the contents of literals; lines stay where they are."""
    out, at = [], 0
    literal = re.compile(
        r'//[^\n]*|/\*|b?r(#*)"|b?c?"(?:\\.|[^"\\])*"|b?\'(?:\\(?:x..|u\{[^}]*\}|.)|[^\\\'\n])\'', re.S
    )
    while match := literal.search(code, at):
        start, end = match.span()
        if match.group().startswith("/*"):
            depth, end = 1, start + 2
            while depth:
                mark = re.compile(r"/\*|\*/").search(code, end)
                if not mark:
                    raise Trouble("a comment does not end")
                depth += 1 if mark.group() == "/*" else -1
                end = mark.end()
        elif match.group(1) is not None:
            end = code.index('"' + match.group(1), end) + 1 + len(match.group(1))
        out += [code[at:start], blank(code[start:end])]
        at = end
    return "".join(out) + code[at:]


def block_end(code, at):
    """Where the item that begins at `at` ends: behind its semicolon, or its closing brace."""
    depth = 0
    for index in range(at, len(code)):
        char = code[index]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth == 0 and char == "}" and not re.match(r"\s*;", code[index + 1 :]):
                return index + 1
        elif char == ";" and depth == 0:
            return index + 1
    return len(code)


def without_tests(code):
    test = re.compile(r"#\[cfg\((?:test|doctest|all\((?:test|doctest)\b[^\]]*\))\)\]")
    while match := test.search(code):
        end = block_end(code, match.end())
        code = code[: match.start()] + blank(code[match.start() : end]) + code[end:]
    return code


def use_tree(tree):
    """The leaves of a use tree, each with the name that it gets: [(path, name)]."""
    tree = tree.strip()
    if "{" in tree:
        head, rest = tree.split("{", 1)
        parts, depth, start = [], 0, 0
        rest = rest[: rest.rindex("}")]
        for index, char in enumerate(rest + ","):
            depth += (char == "{") - (char == "}")
            if char == "," and depth == 0:
                parts.append(rest[start:index])
                start = index + 1
        head = [segment.strip() for segment in head.split("::") if segment.strip()]
        leaves = [leaf for part in parts if part.strip() for leaf in use_tree(part)]
        # `x::{self}` is x.
        return [
            (head, name if name != "self" else head[-1]) if path == ["self"] else (head + path, name)
            for path, name in leaves
        ]
    path, _, name = tree.partition(" as ")
    path = [segment.strip() for segment in path.split("::") if segment.strip()]
    return [(path, name.strip() or path[-1])]


class Module:
    def __init__(self, path, file, parent):
        self.path, self.file, self.parent = path, file, parent
        self.children, self.items, self.uses = {}, set(), []  # uses: (path, name, public, line)
        self.paths = []  # (segments, line)
        self.words = set()

    def name(self):
        return "::".join(["crate"] + self.path)


class Crate:
    def __init__(self, source):
        self.source = source
        self.modules = []
        self.root = self.read(source / "lib.rs", [], None, source)

    def read(self, file, path, parent, folder):
        code = without_tests(strip(file.read_text()))
        return self.parse(code, 1, file, path, parent, folder)

    def parse(self, code, line, file, path, parent, folder):
        module = Module(path, file, parent)
        self.modules.append(module)
        line_of = lambda at: line + code.count("\n", 0, at)
        # Modules within the file, innermost last; what is in them is not ours.
        inline = re.compile(r"(?<!\w)mod\s+([A-Za-z_]\w*)\s*(;|\{)")
        at = 0
        while match := inline.search(code, at):
            child = match.group(1)
            if match.group(2) == ";":
                found = [f for f in (folder / f"{child}.rs", folder / child / "mod.rs") if f.exists()]
                if len(found) != 1:
                    raise Trouble(f"{file}: module {child} is in {len(found)} files")
                module.children[child] = self.read(found[0], path + [child], module, folder / child)
                end = match.end()
            else:
                end = block_end(code, match.start())
                inner = code[match.end() : end - 1]
                module.children[child] = self.parse(
                    inner, line_of(match.end()), file, path + [child], module, folder / child
                )
            code = code[: match.start()] + blank(code[match.start() : end]) + code[end:]
            at = end
        for match in re.finditer(r"(?<!\w)(pub(?:\s*\([^)]*\))?\s+)?use\s+([^;]+);", code):
            for leaf, name in use_tree(match.group(2)):
                module.uses.append((leaf, name, bool(match.group(1)), line_of(match.start())))
        code = re.sub(r"(?<!\w)use\s+[^;]+;", lambda match: blank(match.group()), code)
        for match in PATH.finditer(code):
            segments = re.split(r"\s*::\s*", match.group(1))
            module.paths.append((segments, line_of(match.start())))
        module.items = set(ITEM.findall(code))
        module.words = set(re.findall(r"[A-Za-z_]\w*", code))
        return module

    def start(self, module, segments):
        """Where a path begins: (module, the rest of the path), or None for another crate."""
        first, rest = segments[0], segments[1:]
        if first == "crate":
            return self.root, rest
        if first == "self":
            return module, rest
        if first == "super":
            while True:
                module = module.parent
                if not rest or rest[0] != "super":
                    return module, rest
                rest = rest[1:]
        if first in module.children:
            return module, segments
        return None

    def resolve(self, module, segments, seen=()):
        """Follows a path within a module: (module that it leads to, name that this defines or None)."""
        for index, segment in enumerate(segments):
            if segment in module.children:
                module = module.children[segment]
                continue
            if segment in module.items:
                return module, segment
            for path, name, _, _ in module.uses:
                if (module, name, index) in seen or name not in (segment, "*"):
                    continue
                begin = self.start(module, path if name != "*" else path[:-1])
                if begin is None:
                    if name == segment:
                        return None  # of another crate
                    continue
                rest = segments[index:] if name == "*" else segments[index + 1 :]
                found = self.resolve(begin[0], begin[1] + rest, (*seen, (module, name, index)))
                if found:
                    return found
            return None
        return module, None

    def targets(self, module):
        """What the code of a module uses: (file, name, line, whether it only hands the name on)."""
        imported = {}
        for path, name, public, line in module.uses:
            begin = self.start(module, path[:-1] if name == "*" else path)
            if begin is None:
                continue
            if name == "*":
                if found := self.resolve(*begin):
                    yield found[0].file, name, line, public
                continue
            found = self.resolve(*begin)
            if not found and path[0] in ("crate", "self", "super"):
                raise Trouble(f"{module.file}:{line}: cannot find {'::'.join(path)}")
            if found:
                imported[name] = found
                target, item = found
                if item:
                    yield target.file, item, line, public and name not in module.words
        for segments, line in module.paths:
            begin = self.start(module, segments)
            if begin is None:
                found = imported.get(segments[0])
                if not found or found[1]:
                    continue  # something of a type, which the `use` counts for
                begin = found[0], segments[1:]
            found = self.resolve(*begin)
            if found and found[1]:
                yield found[0].file, found[1], line, False

    def uses(self):
        for module in self.modules:
            for file, name, line, handed_on in self.targets(module):
                if file != module.file:
                    yield module.file, file, name, line, handed_on


def layer(source, file):
    return file.relative_to(source).parts[0].removesuffix(".rs")


def arrows_up(crate):
    rank = {name: index for index, names in enumerate(LAYERS) for name in names}
    for file, target, name, line, _ in crate.uses():
        own, other = layer(crate.source, file), layer(crate.source, target)
        if own == "lib" or own == other:
            continue
        if own not in rank or (other not in rank and other != "lib"):
            raise Trouble(f"{file}: the layer {own if own not in rank else other} is not in LAYERS")
        if other == "lib" or rank[other] <= rank[own]:
            yield f"{file.relative_to(crate.source.parent)}:{line}: {own} must not use {other} ({name})"


def impure(crate):
    for file in sorted({module.file for module in crate.modules}):
        if layer(crate.source, file) in PURE:
            code = without_tests(strip(file.read_text()))
            for match in IMPURE.finditer(code):
                if (str(file.relative_to(crate.source)), match.group()) in HELPLESS:
                    continue
                line = 1 + code.count("\n", 0, match.start())
                where = file.relative_to(crate.source.parent)
                yield f"{where}:{line}: {layer(crate.source, file)} does no I/O, but uses {match.group()}"


def circles(crate):
    edges, why = {}, {}
    for file, target, name, _, handed_on in crate.uses():
        if not handed_on and layer(crate.source, file) in WITHOUT_CIRCLES:
            edges.setdefault(file, set()).add(target)
            why.setdefault((file, target), set()).add(name)
    # Tarjan: files that reach each other.
    index, low, stack, found = {}, {}, [], []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for target in sorted(edges.get(file, ())):
            if target not in index:
                visit(target)
                low[file] = min(low[file], low[target])
            elif target in stack:
                low[file] = min(low[file], index[target])
        if low[file] == index[file]:
            circle = []
            while not circle or circle[-1] != file:
                circle.append(stack.pop())
            if len(circle) > 1:
                found.append(sorted(circle))

    for file in sorted(edges):
        if file not in index:
            visit(file)
    short = lambda file: str(file.relative_to(crate.source.parent))
    for circle in found:
        lines = ["these files use each other in a circle:"]
        for file in circle:
            for target in circle:
                if names := why.get((file, target)):
                    lines.append(f"    {short(file)} -> {short(target)}: {', '.join(sorted(names))}")
        yield "\n".join(lines)


def problems(source):
    crate = Crate(source)
    return sorted(set(arrows_up(crate))) + list(impure(crate)) + list(circles(crate))


# Trees of files, and what is to be found in them: parts of the problems, one for each.
CASES = {
    "nothing is wrong": (
        {
            "lib.rs": "pub mod client; pub mod protocol; pub mod task;",
            "protocol/mod.rs": "mod a;\nmod b;\npub use a::A;\npub use b::B;",
            "protocol/a.rs": 'pub struct A; // crate::client::C\nconst S: &str = "crate::client::C";',
            "protocol/b.rs": "use super::A;\npub struct B(A);\n"
            "#[cfg(test)]\nmod tests { use crate::client::C; use super::*; fn f(_: crate::task::T) {} }",
            "task/mod.rs": "use crate::protocol::{A, B};\npub struct T(A, B);",
            "client/mod.rs": "mod x;\npub struct C(crate::task::T);",
            "client/x.rs": "use super::C;\nimpl C { fn of_the_parent(&self) {} }",
        },
        [],
    ),
    "an arrow up by a use": (
        {
            "lib.rs": "pub mod client; pub mod protocol;",
            "client/mod.rs": "pub struct C;",
            "protocol/mod.rs": "use crate::client::C;\npub struct P(C);",
        },
        ["src/protocol/mod.rs:1: protocol must not use client (C)"],
    ),
    "an arrow up by a path in the code, by super, and in a nested module": (
        {
            "lib.rs": "pub mod client; pub mod rtc; pub mod task;",
            "client/mod.rs": "pub mod inner { pub fn f() {} }",
            "task/mod.rs": "fn g() {\n    super::client::inner::f()\n}",
            "rtc/mod.rs": "mod deep { fn h() { crate::client::inner::f() } }",
        },
        ["src/rtc/mod.rs:1: rtc must not use client (f)", "src/task/mod.rs:2: task must not use client (f)"],
    ),
    "an arrow up by handing on, and by a module with another name": (
        {
            "lib.rs": "pub mod client; pub mod crypto; pub mod task;",
            "client/mod.rs": "pub mod inner { pub fn f() {} }\npub struct C;",
            "task/mod.rs": "pub use crate::client::{C as Other};",
            "crypto/mod.rs": "use crate::client::inner::{self as x};\nfn g() { x::f() }",
        },
        ["src/crypto/mod.rs:2: crypto must not use client (f)", "src/task/mod.rs:1: task must not use client (C)"],
    ),
    "an arrow to a layer beside": (
        {
            "lib.rs": "pub mod client; pub mod server;",
            "client/mod.rs": "pub use crate::server::S;",
            "server/mod.rs": "pub struct S;",
        },
        ["src/client/mod.rs:1: client must not use server (S)"],
    ),
    "a circle of two": (
        {
            "lib.rs": "pub mod rtc;",
            "rtc/mod.rs": "mod a;\nmod b;",
            "rtc/a.rs": "use super::b::B;\npub struct A(B);",
            "rtc/b.rs": "pub struct B;\nfn f() { super::a::A; }",
        },
        ["src/rtc/a.rs -> src/rtc/b.rs: B\n    src/rtc/b.rs -> src/rtc/a.rs: A"],
    ),
    "a circle of three through the face of a folder": (
        {
            "lib.rs": "pub mod protocol;",
            "protocol/mod.rs": "mod a;\nmod b;\nmod c;\npub use a::A;\npub use b::B;\npub use c::*;",
            "protocol/a.rs": "use crate::protocol::B;\npub struct A(B);",
            "protocol/b.rs": "use super::C;\npub struct B(C);",
            "protocol/c.rs": "use crate::protocol;\npub struct C(protocol::A);",
        },
        ["src/protocol/b.rs -> src/protocol/c.rs: C"],
    ),
    "a circle by a star": (
        {
            "lib.rs": "pub mod rtc;",
            "rtc/mod.rs": "mod a;\nmod b;",
            "rtc/a.rs": "use super::b::*;\npub struct A(B);",
            "rtc/b.rs": "use super::a::A;\npub struct B(A);",
        },
        ["src/rtc/a.rs -> src/rtc/b.rs: *"],
    ),
    "a parent that uses the child that uses it": (
        {
            "lib.rs": "pub mod client;",
            "client/mod.rs": "mod x;\npub use x::X;\npub struct C(X);",
            "client/x.rs": "use super::C;\npub struct X(Option<Box<C>>);",
        },
        ["src/client/mod.rs -> src/client/x.rs: X"],
    ),
    "I/O where there is none": (
        {"lib.rs": "pub mod rtc;", "rtc/mod.rs": "fn f() {\n    let _ = std::time::Instant::now();\n}"},
        ["src/rtc/mod.rs:2: rtc does no I/O, but uses Instant::now"],
    ),
}


def self_test():
    failed = False
    for name, (files, expected) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "src"
            for path, text in files.items():
                (source / path).parent.mkdir(parents=True, exist_ok=True)
                (source / path).write_text(text)
            found = problems(source)
        if len(found) != len(expected) or any(part not in problem for part, problem in zip(expected, found)):
            print(f"{name}: found {found} instead of {expected}", file=sys.stderr)
            failed = True
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if sys.argv[1:]:
        sys.exit(__doc__)
    found = problems(Path(__file__).resolve().parent.parent / "src")
    for problem in found:
        print(problem, file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Trouble as trouble:
        sys.exit(f"check-layers.py: {trouble}")
