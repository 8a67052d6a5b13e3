"""The networks of a voice under onnxruntime: encode, then decode in overlapping chunks.

Blocking; used from one worker thread at a time. No state survives an utterance, so that the same
utterance gives the same samples whatever was said before.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from voxedge.engines.networks import session_options
from voxedge.engines.tts.assets import FrameStage, VoiceAssets
from voxedge.engines.tts.durations import allot_frames
from voxedge.engines.tts.ready import ready_file

if TYPE_CHECKING:
    import onnxruntime

_LOG = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]

AHEAD_HALOS = 24
"""A run after the first covers at least so many times its context on one side: then at most a
thirteenth of its work is context. In the flow that is 192 frames, two seconds of speech."""


class NetworkFailed(Exception):
    """onnxruntime refused a model or a run; the message says why."""


class NetworkStopped(Exception):
    """The run was stopped from outside."""


class StopSwitch:
    """Ends the work on one utterance from another thread, inside a network run if need be."""

    def __init__(self) -> None:
        import onnxruntime

        self.run_options = onnxruntime.RunOptions()

    def stop(self) -> None:
        """Make the current run and every later one with this switch fail at the next operator."""
        self.run_options.terminate = True

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return bool(self.run_options.terminate)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the text encoder says of an utterance.

    Attributes:
        mean: prior mean ``float32 [C, tokens]``.
        log_scale: prior log standard deviation ``float32 [C, tokens]``.
        durations: frames for each token, not rounded, ``float32 [tokens]``.
    """

    mean: Floats
    log_scale: Floats
    durations: Floats


def open_session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """Load a network.

    Threads do not spin while they wait: a busy core is heat and a slow OCR next door. The memory
    pattern planner is off because every chunk has another length. The arena stays on: without it
    each run maps and clears its memory anew, which made the decoder take 1.8 times as long. Where
    the network was saved as optimised (``ready``), that is loaded, in half the time.

    Raises:
        NetworkFailed: no such file, not a network, or one this onnxruntime cannot run.
    """
    import onnxruntime

    ready = ready_file(model)
    if ready is not None:
        try:
            return _open(ready, threads, onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL)
        except NetworkFailed as error:
            _LOG.warning("a saved network is not used: %s", error)
    return _open(model, threads, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL)


def _open(
    model: Path, threads: int, optimisation: onnxruntime.GraphOptimizationLevel
) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = session_options(threads)
    options.graph_optimization_level = optimisation
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(
            str(model), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except MemoryError as error:
        raise NetworkFailed("out of memory") from error
    except Exception as error:  # onnxruntime has no common root for its errors
        raise NetworkFailed(f"{model.name} does not load: {_brief(error)}") from error


def run_session(
    session: onnxruntime.InferenceSession,
    feed: Mapping[str, npt.NDArray[np.generic]],
    switch: StopSwitch | None = None,
) -> list[Floats]:
    """Run a network.

    Raises:
        NetworkStopped: ``switch`` was thrown.
        NetworkFailed: the run failed.
    """
    try:
        return list(session.run(None, dict(feed), switch.run_options if switch else None))
    except MemoryError as error:
        raise NetworkFailed("out of memory") from error
    except Exception as error:  # onnxruntime has no common root for its errors
        if switch is not None and switch.stopped:
            raise NetworkStopped from error
        raise NetworkFailed(_brief(error)) from error


class Networks(Protocol):
    """The networks of one voice, whichever way it was built."""

    def encode(
        self,
        ids: Sequence[int],
        duration_noise: Floats | None,
        noise_scale: float,
        speaker: int = 0,
        switch: StopSwitch | None = None,
    ) -> Encoded:
        """Run the text encoder.

        Args:
            ids: phoneme ids, marks included.
            duration_noise: standard normal draws ``float32 [2, tokens]``; None for none.
            noise_scale: how much of it to use.
            speaker: speaker number.
            switch: ends the run.

        Raises:
            NetworkFailed: the run failed or gave something that is no prior.
            NetworkStopped: ``switch`` was thrown.
        """
        ...

    def decode(
        self,
        prior: Floats,
        sizes: Sequence[int],
        start: int = 0,
        speaker: int = 0,
        switch: StopSwitch | None = None,
    ) -> Iterator[Floats]:
        """Decode a prior sample piece by piece; equal to decoding it whole.

        Args:
            prior: prior sample ``float32 [C, frames]``.
            sizes: frames of each piece.
            start: first frame to decode; what is before it only serves as context.
            speaker: speaker number.
            switch: ends the work.

        Yields:
            Samples ``float32 [size * hop]`` for each size.

        Raises:
            NetworkFailed: a run failed.
            NetworkStopped: ``switch`` was thrown.
        """
        ...


class VoiceNetwork:
    """The loaded networks of one voice.

    Args:
        assets: the built voice.
        threads: threads for each operator.

    Raises:
        NetworkFailed: a file does not load.
    """

    def __init__(self, assets: VoiceAssets, threads: int) -> None:
        self.assets = assets
        self._text = open_session(assets.text_encoder, threads)
        self._frames = [(stage, open_session(stage.path, threads)) for stage in assets.frame_stages]

    def encode(
        self,
        ids: Sequence[int],
        duration_noise: Floats | None,
        noise_scale: float,
        speaker: int = 0,
        switch: StopSwitch | None = None,
    ) -> Encoded:
        """Run the text encoder; see ``Networks.encode``."""
        count = len(ids)
        feed: dict[str, npt.NDArray[np.generic]] = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([count], dtype=np.int64),
            "scales": np.array([0.0, 1.0, noise_scale], dtype=np.float32),
        }
        if self.assets.draws_duration_noise:
            if duration_noise is None:
                duration_noise = np.zeros((2, count), dtype=np.float32)
            feed["duration_noise"] = duration_noise[np.newaxis]
        if self.assets.takes_speaker:
            feed["sid"] = np.array([speaker], dtype=np.int64)
        mean, log_scale, durations = run_session(self._text, feed, switch)
        durations = durations.reshape(-1)
        if mean.shape != log_scale.shape or mean.shape[2:] != (count,) or durations.size != count:
            raise NetworkFailed("the text encoder's answer has the wrong shape")
        if not (np.isfinite(mean).all() and np.isfinite(durations).all()):
            raise NetworkFailed("the text encoder's answer is not finite")
        return Encoded(mean[0], log_scale[0], durations)

    def decode(
        self,
        prior: Floats,
        sizes: Sequence[int],
        start: int = 0,
        speaker: int = 0,
        switch: StopSwitch | None = None,
    ) -> Iterator[Floats]:
        """Decode a prior sample; see ``Networks.decode``."""
        link: _Source | _Link = _Source(prior)
        for stage, session in self._frames:
            link = _Link(stage, session, link, speaker, switch)
        hop, frame = self.assets.hop, start
        for size in sizes:
            samples = link.take(frame * hop, (frame + size) * hop)
            frame += size
            yield samples.reshape(-1)

    def render_whole(self, ids: Sequence[int], length_scale: float) -> Floats:
        """Samples of an utterance in one piece, as the original gives with noise scales of zero."""
        encoded = self.encode(ids, None, 0.0, self.assets.config.default_speaker)
        frames = allot_frames(encoded.durations, length_scale, 1.0)
        prior = np.repeat(encoded.mean, frames, axis=1)
        speaker = self.assets.config.default_speaker
        return next(self.decode(prior, [prior.shape[1]], speaker=speaker))


class _Source:
    """The beginning of the chain: an array that is there already."""

    def __init__(self, values: Floats) -> None:
        self._values = values
        self.total: int = values.shape[1]

    def take(self, begin: int, end: int) -> Floats:
        return self._values[:, begin:end]


class _Link:
    """One stage with the outputs it has finished and that may still be asked for.

    Requests must not go backwards. The first one sets where the stage begins to work, and is
    answered with as little work as it takes: sound is waited for. Later runs work ahead, since
    each pays for its context again.
    """

    def __init__(
        self,
        stage: FrameStage,
        session: onnxruntime.InferenceSession,
        before: _Source | _Link,
        speaker: int,
        switch: StopSwitch | None,
    ) -> None:
        self._stage, self._session, self._before, self._switch = stage, session, before, switch
        self._extra: dict[str, npt.NDArray[np.generic]] = (
            {"sid": np.array([speaker], dtype=np.int64)} if stage.takes_speaker else {}
        )
        self.total: int = before.total * stage.upsampling
        self._held: Floats | None = None
        self._held_from = 0

    def take(self, begin: int, end: int) -> Floats:
        """Output steps ``begin`` to ``end`` as ``float32 [D, end - begin]``."""
        factor = self._stage.upsampling
        if self._held is None:
            self._held_from = begin // factor * factor
            held_to = self._held_from
        else:
            held_to = self._held_from + self._held.shape[1]
        if end > held_to:
            first, last = held_to // factor, math.ceil(end / factor)
            if self._held is not None:
                last = max(last, first + AHEAD_HALOS * self._stage.halo)
            fresh = self._run(first, min(last, self._before.total))
            held = fresh if self._held is None else np.concatenate([self._held, fresh], axis=1)
        elif self._held is not None:
            held = self._held
        kept_from = begin - self._held_from
        self._held, self._held_from = held[:, kept_from:], begin
        return self._held[:, : end - begin]

    def _run(self, first: int, last: int) -> Floats:
        """Outputs of the input steps ``first`` to ``last``."""
        halo, factor = self._stage.halo, self._stage.upsampling
        begin, end = max(0, first - halo), min(self._before.total, last + halo)
        x = np.ascontiguousarray(self._before.take(begin, end)[np.newaxis])
        y = run_session(self._session, {"x": x, **self._extra}, self._switch)[0]
        if y.ndim != 3 or y.shape[2] != (end - begin) * factor:
            raise NetworkFailed(f"{self._stage.name} answers in the wrong shape {y.shape}")
        return np.asarray(y[0, :, (first - begin) * factor : (last - begin) * factor])


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
