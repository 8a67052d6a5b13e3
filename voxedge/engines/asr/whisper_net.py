"""Whisper as onnxruntime runs it, for utterances of seconds; see ``models.graph.whisper``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.engines.asr.whisper_file import WeightsDamaged
from voxedge.engines.asr.whisper_graphs import DECODER, ENCODER
from voxedge.engines.networks import session_options

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnxruntime

    Float32 = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

Heard = Mapping[str, "Float32"]
"""What the decoder looks at, by the names of its inputs."""


@dataclass(frozen=True, slots=True)
class Beginnings:
    """Several beginnings of equal length, as the decoder remembers them.

    Attributes:
        length: tokens in each of them.
        past: by the names of the decoder's inputs, ``float32`` ``[beginnings, heads, length, n]``.
    """

    length: int
    past: Mapping[str, Float32]

    def take(self, which: Ints) -> Beginnings:
        """Return some of them, in that order; one may come several times."""
        return Beginnings(self.length, {name: held[which] for name, held in self.past.items()})


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the decoder finds after some beginnings.

    Attributes:
        state: ``float32`` ``[beginnings, width]``; its product with ``embeddings`` of tokens is
            their log odds of coming next.
        odds: ``float32`` ``[beginnings, kept]``: that product for the first ``kept`` tokens.
    """

    state: Float32
    odds: Float32


class WhisperNet:
    """The network. Immutable; used on one thread.

    Args:
        graphs: folder of both graphs, see ``whisper_graphs``. Not needed any more afterwards.
        weights: of ``whisper_file.read_weights``, by name: what stands for tokens and places.
        threads: to run on; 0 for half of the cores, as the service hears the button and watches the
            page meanwhile.

    Raises:
        KeyError: a variable is missing.
        WeightsDamaged: onnxruntime does not take a graph.
    """

    def __init__(self, graphs: Path, weights: Mapping[str, Any], threads: int = 0) -> None:
        threads = threads or max(1, (os.cpu_count() or 1) // 2)
        self._encoder = _session(graphs / ENCODER, threads)
        self._decoder = _session(graphs / DECODER, threads)
        self._sound = [output.name for output in self._encoder.get_outputs()]
        self._words = [output.name for output in self._decoder.get_outputs()]
        _, self._heads, _, self._head = self._decoder.get_outputs()[-1].shape
        places = weights["decoder/position_encodings/encodings"]
        self._places = np.asarray(places, dtype=np.float32)
        self._embeddings = weights["decoder/embeddings/weight"]

    @property
    def vocabulary(self) -> int:
        """How many tokens it knows."""
        return int(self._embeddings.shape[0])

    def embeddings(self, tokens: Ints) -> Float32:
        """Return ``float32`` ``[n, width]``: what stands for tokens, in and out."""
        return np.asarray(self._embeddings[tokens], dtype=np.float32)

    def hear(self, mel: Float32) -> Heard:
        """Encode a sound.

        Args:
            mel: ``float32`` ``[frames, 80]`` of ``log_mel``, at most 30 s.
        """
        return dict(zip(self._sound, self._encoder.run(None, {"mel": mel}), strict=True))

    def begin(self, heard: Heard, tokens: Ints) -> tuple[Outlook, Beginnings]:
        """Begin with some tokens, at least one; as ``step``, of one beginning."""
        empty = np.zeros((1, self._heads, 0, self._head), dtype=np.float32)
        kinds = [f"past_{name}" for name in self._sound]
        outlook, known = self.step(heard, Beginnings(0, dict.fromkeys(kinds, empty)), tokens[:1])
        for token in tokens[1:]:
            outlook, known = self.step(heard, known, np.array([token]))
        return outlook, known

    def step(self, heard: Heard, before: Beginnings, tokens: Ints) -> tuple[Outlook, Beginnings]:
        """Add one token to each beginning.

        Args:
            heard: the sound.
            before: beginnings.
            tokens: ``[beginnings]``.

        Returns:
            What comes next, and the longer beginnings.
        """
        given = {"x": self.embeddings(tokens), "place": self._places[before.length]}
        made = self._decoder.run(None, {**given, **heard, **before.past})
        found = dict(zip(self._words, made, strict=True))
        past = {f"past_{name}": found[f"next_{name}"] for name in self._sound}
        return Outlook(found["state"], found["odds"]), Beginnings(before.length + 1, past)


def _session(graph: Path, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = session_options(threads)
    options.enable_mem_pattern = False  # every utterance has another length
    try:
        return onnxruntime.InferenceSession(
            str(graph), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except MemoryError:
        raise
    except Exception as error:  # onnxruntime has no common root for its errors
        raise WeightsDamaged(f"{graph.name} does not load") from error
