"""Whisper's graphs for onnxruntime: made once on the machine, kept beside the models.

``voxedge models fetch`` makes them, or whoever opens the listener first. They are made in a process
of their own (``python -m voxedge.engines.asr.whisper_graphs``): that takes 270 MB for a second,
which a recogniser that runs for years would never give back. A worker with the graphs at hand opens
them in 0.1 s. They are the same for every processor.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from voxedge.engines.asr.whisper_file import WeightsDamaged, read_weights

_log = logging.getLogger(__name__)

ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"
_RECEIPT = "made.json"

DERIVATION = "int8-1"
"""Part of the name of what is kept: raise it when other graphs are made of the same weights."""

RIVALS = 8192
"""The likelihood of a token is told against so many of the most frequent ones, and those of the
grammar. All 51,864 are 80 MB, and change the least frequent thousandth."""

_TIMEOUT_S = 120.0
"""On a Pi 4 some 10 s are to be expected; a card may be slow."""

_UNFINISHED = ".making-graphs-"
_ABANDONED_S = 10 * _TIMEOUT_S

_DAMAGED = 3
"""Exit code of the process that makes them: the weights are not what they should be."""


class GraphsNotMade(OSError):
    """The process that makes them failed; the text tells how."""


def make_graphs(weights: Mapping[str, Any], folder: Path, *, int8: bool = True) -> None:
    """Write both graphs into a folder. Blocking.

    Raises:
        KeyError: a variable is missing.
        ValueError: one has another shape than the network needs.
        OSError: they cannot be written.
    """
    from voxedge.models.graph.whisper import decoder_graph, encoder_graph

    (folder / ENCODER).write_bytes(encoder_graph(weights, int8=int8).SerializeToString())
    (folder / DECODER).write_bytes(decoder_graph(weights, RIVALS, int8=int8).SerializeToString())


def kept_place(models: Path, name: str, digest: str) -> Path:
    """Return where the graphs of a model are kept; its digest names it."""
    key = hashlib.sha256(f"{DERIVATION} {RIVALS} {digest}".encode()).hexdigest()[:12]
    return models / f"{name}.graphs-{key}"


@contextmanager
def graphs_of(weights: Path, place: Path | None) -> Iterator[Path]:
    """Yield a folder with the graphs, whole: the kept ones, or new ones. Blocking: seconds.

    Args:
        weights: the file of the model.
        place: where they are kept, from ``kept_place``; None to make them for this once. Where it
            cannot be written they are made for this once, too.

    Raises:
        WeightsDamaged: the model is not what it should be.
        GraphsNotMade: the process that makes them failed.
        OSError: there is no room for them anywhere.
    """
    if place is not None and _whole(place):
        yield place
        return
    with tempfile.TemporaryDirectory(prefix="voxedge-graphs-") as scratch:
        made = Path(scratch)
        if place is not None:
            with suppress(OSError):
                place.parent.mkdir(parents=True, exist_ok=True)
                made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=place.parent))
        try:
            _make_apart(weights, made)
            if place is not None and made.parent == place.parent:
                made = _settled(made, place)
            yield made
        finally:
            if made != place:
                shutil.rmtree(made, ignore_errors=True)


def _make_apart(weights: Path, folder: Path) -> None:
    command = [sys.executable, "-P", "-m", __spec__.name, str(weights), str(folder)]
    # The same voxedge as here, also where it runs from a checkout.
    places = (str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", ""))
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            timeout=_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))},
        )
    except subprocess.TimeoutExpired as error:
        raise GraphsNotMade(f"not within {_TIMEOUT_S:.0f} s") from error
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if done.returncode == _DAMAGED:
        raise WeightsDamaged(last)
    if done.returncode:
        raise GraphsNotMade(f"code {done.returncode}: {last}")


def _settled(made: Path, place: Path) -> Path:
    """Keep what was made, and nothing of older versions; return where it is now."""
    digests = {name: _digest(made / name) for name in (ENCODER, DECODER)}
    (made / _RECEIPT).write_text(json.dumps(digests), encoding="utf-8")
    made.chmod(0o755)  # mkdtemp makes it private; a service may read what a person made
    for old in place.parent.glob(f"{place.name.rpartition('-')[0]}-*"):
        if old != place:
            shutil.rmtree(old, ignore_errors=True)
    _drop_unfinished(place.parent, made)
    if _whole(place):  # another process made them meanwhile, and may be opening them
        shutil.rmtree(made, ignore_errors=True)
        return place
    shutil.rmtree(place, ignore_errors=True)
    try:
        return made.rename(place)
    except OSError as error:
        _log.info("the second listener's graphs are not kept: %s", error.strerror)
        return made


def _drop_unfinished(models: Path, made: Path) -> None:
    """Remove what a process that was killed, or a cut of power, left."""
    for other in models.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):
            if other != made and time.time() - other.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(other, ignore_errors=True)


def _whole(place: Path) -> bool:
    """Whether the kept graphs are as they were written."""
    try:
        digests = json.loads((place / _RECEIPT).read_text(encoding="utf-8"))
        return all(digests[name] == _digest(place / name) for name in (ENCODER, DECODER))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def main(arguments: list[str]) -> int:
    """Make the graphs of a file of weights in a folder. Exit code 3: the weights are damaged."""
    weights, folder = map(Path, arguments)
    os.nice(10)  # the reader may speak meanwhile
    try:
        make_graphs(read_weights(weights).arrays, folder)
    except (WeightsDamaged, KeyError, ValueError, IndexError) as error:
        print(f"not Whisper: {error}", file=sys.stderr)
        return _DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
