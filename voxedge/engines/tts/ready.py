"""Networks as onnxruntime would have them after its own optimisation, saved beside the originals.

Optimising is more than half of what loading a voice costs (``voxedge bench startup``). Its outcome
belongs to one version of onnxruntime on one kind of processor (on x86-64 it holds blocked layouts
as wide as the vector unit), so the folder is named after both; elsewhere the original is used.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from voxedge.engines.networks import session_options

_LOG = logging.getLogger(__name__)

PREFIX = "ready-"
_DERIVATION = "exact INT8"
"""Part of the key: raise it when the same onnxruntime optimises otherwise than before."""
_FACTS_FILE = "ready.json"


@functools.cache
def ready_key() -> str:
    """Name of this onnxruntime on this kind of processor."""
    import onnxruntime

    parts = (_DERIVATION, onnxruntime.__version__, platform.machine(), _processor_features())
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=6).hexdigest()


def ready_file(model: Path) -> Path | None:
    """The saved form of a network for this machine; None if there is none of the right size."""
    folder = model.parent / f"{PREFIX}{ready_key()}"
    path = folder / model.name
    fact = _facts(folder).get(model.name)
    try:
        return path if fact is not None and path.stat().st_size == fact["bytes"] else None
    except OSError:
        return None


def save_ready(models: Iterable[Path]) -> bool:
    """Save the networks of one folder as this machine's onnxruntime optimises them. Blocking.

    They come beside the originals whole or not at all. Whatever older versions left is removed.

    Returns:
        Whether they are there now; a read-only or full disk is no failure, only a slower start.
    """
    paths = list(models)
    if all(ready_file(path) is not None for path in paths):
        return True
    folder = paths[0].parent / f"{PREFIX}{ready_key()}"
    if not os.access(folder.parent, os.W_OK):
        return False
    scratch: Path | None = None
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".ready-", dir=folder.parent))
        facts = {path.name: _optimise(path, scratch / path.name) for path in paths}
        (scratch / _FACTS_FILE).write_text(json.dumps(facts), encoding="utf-8")
        scratch.chmod(0o755)  # mkdtemp makes it private; a service may read what a user built
        for old in folder.parent.glob(f"{PREFIX}*"):
            shutil.rmtree(old, ignore_errors=True)
        scratch.replace(folder)
        return True
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors have no common root
        _LOG.warning("optimised networks were not saved: %s", error)
        return False
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def ready_intact(folder: Path) -> bool:
    """Whether every saved network below a voice's folder is as it was written."""
    return all(
        _digest(place / name) == fact["sha256"]
        for place in folder.glob(f"{PREFIX}*")
        for name, fact in _facts(place).items()
    )


def _optimise(model: Path, target: Path) -> dict[str, object]:
    import onnxruntime

    options = session_options(threads=1)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(
        str(model), sess_options=options, providers=["CPUExecutionProvider"]
    )
    return {"bytes": target.stat().st_size, "sha256": _digest(target)}


def _facts(folder: Path) -> dict[str, dict[str, object]]:
    try:
        data = json.loads((folder / _FACTS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _processor_features() -> str:
    """The processor's instruction sets, as Linux names them; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    for line in text.splitlines():
        if line.startswith(("flags", "Features")):
            return " ".join(sorted(line.partition(":")[2].split()))
    return ""
