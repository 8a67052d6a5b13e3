"""Decode with a student: one network and a pulse train in place of flow and decoder.

Gives what ``VoiceNetwork.decode`` gives, from the same prior sample. The network keeps its context
from call to call (``voxedge.models.distil.graph`` writes it), the synthesis keeps its phase, so
that no frame is computed twice and any chunk plan gives the same samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.assets import VoiceAssets
from voxedge.engines.tts.harmonic import HarmonicFormat, HarmonicSynthesis
from voxedge.engines.tts.network import (
    NetworkFailed,
    StopSwitch,
    VoiceNetwork,
    open_session,
    run_session,
)

if TYPE_CHECKING:
    import onnxruntime

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StudentFiles:
    """A student on disk.

    Attributes:
        path: its ONNX file.
        form: what its output means.
        context: frames on each side that a frame hangs on.
        caches: frames and width of what each of its convolutions keeps.
    """

    path: Path
    form: HarmonicFormat
    context: int
    caches: tuple[tuple[int, int], ...]


class StudentDecoder:
    """A loaded student. No state survives an utterance.

    Args:
        files: where it is and what it means.
        threads: threads for each operator.

    Raises:
        NetworkFailed: it does not load.
    """

    def __init__(self, files: StudentFiles, threads: int) -> None:
        self._files = files
        self._session = open_session(files.path, threads)

    def decode(
        self,
        prior: Floats,
        sizes: Sequence[int],
        start: int = 0,
        speaker: int = 0,
        switch: StopSwitch | None = None,
    ) -> Iterator[Floats]:
        """Decode a prior sample; see ``Networks.decode``. ``speaker`` is not used."""
        stream = _Stream(self._files, self._session, prior, switch)
        stream.take(start)
        for size in sizes:
            yield stream.take(size)


class _Stream:
    """One utterance on its way through network and synthesis."""

    def __init__(
        self,
        files: StudentFiles,
        session: onnxruntime.InferenceSession,
        prior: Floats,
        switch: StopSwitch | None,
    ) -> None:
        self._files, self._session, self._switch = files, session, switch
        self._prior = prior
        self._synthesis = HarmonicSynthesis(files.form)
        # Half a kernel of zeros stands before the first frame, as at the edge of a whole run.
        self._caches = {
            f"cache.{index}": np.zeros((1, reach // 2, width), dtype=np.float32)
            for index, (reach, width) in enumerate(files.caches)
        }
        self._fed = 0
        self._asked = 0
        self._ready: Floats = np.zeros(0, dtype=np.float32)

    def take(self, frames: int) -> Floats:
        """The samples of the next frames."""
        hop = self._files.form.hop
        self._asked += frames
        if len(self._ready) < frames * hop:
            self._feed(self._asked + HarmonicSynthesis.lookahead + self._files.context)
        if len(self._ready) < frames * hop:
            raise NetworkFailed("the student gives fewer samples than asked")
        taken, self._ready = self._ready[: frames * hop], self._ready[frames * hop :]
        return taken

    def _feed(self, until: int) -> None:
        """Push frames up to ``until``, or all and the end if there are no more."""
        total = self._prior.shape[1]
        if self._fed == total:
            return
        begin, self._fed = self._fed, min(until, total)
        last = self._fed == total
        feed: dict[str, npt.NDArray[np.generic]] = {
            "x": np.ascontiguousarray(self._prior[np.newaxis, :, begin : self._fed]),
            "tail": np.array([int(last)], dtype=np.int64),
            **self._caches,
        }
        parameters, *caches = run_session(self._session, feed, self._switch)
        if parameters.shape[2] != self._files.form.parameters:
            raise NetworkFailed(f"the student answers in the wrong shape {parameters.shape}")
        self._caches = {f"cache.{index}": value for index, value in enumerate(caches)}
        fresh = self._synthesis.push(parameters[0], last=last)
        self._ready = np.concatenate([self._ready, fresh])


class StudentNetwork:
    """A text encoder and a student: what ``VoiceNetwork`` is to a voice of stages.

    Args:
        assets: the voice; its stages are not loaded.
        text_encoder: the text encoder to use, in INT8 or the voice's own.
        files: the student.
        threads: threads for each operator.

    Raises:
        NetworkFailed: a file does not load.
    """

    def __init__(
        self, assets: VoiceAssets, text_encoder: Path, files: StudentFiles, threads: int
    ) -> None:
        self.assets = assets
        bare = replace(assets, text_encoder=text_encoder, frame_stages=())
        self.encode = VoiceNetwork(bare, threads).encode
        self.decode = StudentDecoder(files, threads).decode

    def with_student(self, files: StudentFiles, threads: int) -> StudentNetwork:
        """The same text encoder, not loaded twice, with another student.

        Raises:
            NetworkFailed: it does not load.
        """
        other = copy(self)
        other.decode = StudentDecoder(files, threads).decode
        return other
