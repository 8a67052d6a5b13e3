"""Byte code of everything below /opt/voxedge: the device must not compile it at each start.

The root is read-only, so Python could not keep what it compiles. The files are never checked
against their sources (PEP 552, unchecked): nothing on the device changes either.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from imagebuild.chroot import run_in_tree
from imagebuild.errors import CommandFailed
from imagebuild.plan import PYTHON, Plan
from imagebuild.process import run, say

_NOT_RUN = r"/(tests?|testing/data)/"


def compile_packages(plan: Plan, tree: Path) -> None:
    """Compile the packages: with this machine's Python if it makes the same byte code.

    Else with the image's own, emulated, which takes some ten minutes.

    Raises:
        CommandFailed: the image's Python makes no byte code.
    """
    site = "opt/voxedge/lib"
    options = ["-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash"]
    options += ["-x", _NOT_RUN]
    python = _python_like(_magic_of(tree))
    if python is not None:
        run([python, *options, "-s", tree, "-p", "/", tree / site], env=plan.build_env)
        return
    say("Byte code: no Python here makes the image's; its own does, emulated")
    run_in_tree(tree, ["/usr/bin/python3", *options, f"/{site}"], plan.build_env)


def _magic_of(tree: Path) -> bytes:
    """Return the first bytes of the byte code that Debian's package made when it was installed."""
    for path in tree.glob(f"usr/lib/python{PYTHON}/__pycache__/*.pyc"):
        with path.open("rb") as stream:
            return stream.read(4)
    raise CommandFailed(f"The image's Python {PYTHON} is not configured.")


def _python_like(magic: bytes) -> str | None:
    """Return a Python of this machine whose byte code is the same; it is so on every processor."""
    name = f"python{PYTHON}"
    own = [str(path) for path in Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/{name}")]
    for candidate in (shutil.which(name), *own):
        try:
            code = "import importlib.util, sys; sys.stdout.write(importlib.util.MAGIC_NUMBER.hex())"
            if candidate and run([candidate, "-c", code]) == magic.hex():
                return candidate
        except CommandFailed:
            continue
    return None
