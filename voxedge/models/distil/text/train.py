"""Train a text student: resumable at any moment, the same from the same seed.

The prior is compared in units of its own standard deviation, as in the divergence of two normal
distributions: a channel that the voice leaves open may be off by more than one that it fixes. A
token counts by how long it is heard. Durations are compared in their logarithm; their sway with
noise by the likelihood of a normal distribution.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxedge.models.distil.network import has_native_bfloat16, require_torch, weights_of
from voxedge.models.distil.shape import Weights
from voxedge.models.distil.text.graph import LOG_SPREAD_MAX, text_feed
from voxedge.models.distil.text.network import make_text_student
from voxedge.models.distil.text.pairs import TextShard
from voxedge.models.distil.text.shape import TOKENS_A_STEP, TextShape
from voxedge.models.distil.train import CheckpointUnusable
from voxedge.models.progress import Progress, Silent

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

FORMAT = 1
_LEARNING_RATE_FLOOR = 0.02
_WARM_UP_STEPS = 300
_GRADIENT_MAX = 5.0
_FRAMES_COUNTED = 12.0
_LOG_SPREAD_MIN = -6.0
_DRAWN_AT_ONCE = 16
"""Batches whose sentences are drawn together and parted by length: little is filled up then."""


@dataclass(frozen=True, slots=True)
class TextTraining:
    """How to train.

    Attributes:
        steps: how long.
        batch: sentences a step.
        learning_rate: at its highest; falls along a cosine.
        average: share of the moving average that stays each step.
        save_every: steps between checkpoints.
        seed: what is drawn.
        threads: CPU threads.
        device: "cpu" or "cuda".
        held_out: sentences at the end of the last shard that are not learned from.
    """

    steps: int = 16_000
    batch: int = 24
    learning_rate: float = 1.5e-3
    average: float = 0.999
    save_every: int = 250
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    held_out: int = 200


@dataclass(frozen=True, slots=True)
class TextErrors:
    """How far a text student is from the original.

    Attributes:
        mean: mean square of the prior mean's error in standard deviations of the prior.
        log_scale: mean square error of the log scale.
        log_frames: mean absolute error of the logarithm of durations.
        frames: mean absolute error of durations in whole frames.
        length: mean absolute error of the length of a sentence, as a share of it.
    """

    mean: float
    log_scale: float
    log_frames: float
    frames: float
    length: float


def train_text(
    shape: TextShape,
    shards: Sequence[TextShard],
    checkpoint: Path,
    training: TextTraining,
    warm: Weights | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Weights:
    """Train until ``training.steps`` are done, going on from ``checkpoint`` if it is there.

    Blocking: an hour. Call it from a process of its own. An interruption loses at most
    ``save_every`` steps.

    Args:
        shape: sizes of the text student.
        shards: what the teacher answers.
        checkpoint: state between runs; written whole or not at all.
        training: how to train.
        warm: weights to begin with, instead of chance.
        progress: told in steps.
        stop: asked after each step; True saves and returns.

    Returns:
        The averaged weights.

    Raises:
        TorchMissing: PyTorch is not installed.
        CheckpointUnusable: the checkpoint is of another shape or damaged.
    """
    require_torch()
    progress = progress or Silent()
    run = _Run(shape, shards, training, warm)
    if checkpoint.is_file():
        run.restore(checkpoint)
    progress.start("training the text student", training.steps, "steps")
    progress.advance(run.step)
    began, first = time.monotonic(), run.step
    while run.step < training.steps and not stop():
        losses = run.advance()
        progress.advance(1)
        if run.step % training.save_every == 0:
            run.save(checkpoint)
            pace = (time.monotonic() - began) / (run.step - first)
            logger.info(
                "step %d: %s; %.0f min to go at this pace",
                run.step,
                ", ".join(f"{name} {value:.4f}" for name, value in losses.items()),
                (training.steps - run.step) * pace / 60,
            )
    run.save(checkpoint)
    progress.finish()
    return run.averaged_weights()


class Sentences:
    """Sentences of shards, drawn in batches of like length.

    Args:
        shards: where they are.
        held_out: sentences at the end that are not drawn.
    """

    def __init__(self, shards: Sequence[TextShard], held_out: int) -> None:
        self._shards = shards
        places = [
            (number, int(begin), int(end))
            for number, shard in enumerate(shards)
            for begin, end in zip(shard.offsets[:-1], shard.offsets[1:], strict=True)
        ]
        if len(places) <= held_out:
            raise ValueError(f"{len(places)} sentences are too few")
        self._places, self.kept = places[: len(places) - held_out], places[len(places) - held_out :]

    def draw(self, batch: int, rng: np.random.Generator) -> list[dict[str, npt.NDArray[Any]]]:
        """Several batches, in random order, each of sentences of like length."""
        picks = rng.choice(len(self._places), batch * _DRAWN_AT_ONCE)
        chosen = sorted((self._places[pick] for pick in picks), key=lambda p: p[2] - p[1])
        groups = [chosen[at : at + batch] for at in range(0, len(chosen), batch)]
        return [self.gather(groups[at]) for at in rng.permutation(len(groups))]

    def gather(self, places: Sequence[tuple[int, int, int]]) -> dict[str, npt.NDArray[Any]]:
        """Arrays of some sentences, filled up with zeros to the longest."""
        longest = max(end - begin for _, begin, end in places)
        longest += longest % TOKENS_A_STEP
        latent = self._shards[0].mean.shape[1]
        size = (len(places), longest)
        out: dict[str, npt.NDArray[Any]] = {
            "ids": np.zeros(size, dtype=np.int64),
            "mean": np.zeros((*size, latent), dtype=np.float32),
            "log_scale": np.zeros((*size, latent), dtype=np.float32),
            "log_frames": np.zeros(size, dtype=np.float32),
            "swayed": np.zeros(size, dtype=np.float32),
            "noise": np.zeros(size, dtype=np.float32),
            "mask": np.zeros((len(places), longest // TOKENS_A_STEP), dtype=np.float32),
            "counted": np.zeros(size, dtype=np.float32),
        }
        for row, (number, begin, end) in enumerate(places):
            shard, count = self._shards[number], end - begin
            for name in ("ids", "mean", "log_scale", "log_frames", "swayed", "noise"):
                out[name][row, :count] = getattr(shard, name)[begin:end]
            out["mask"][row, : -(-count // TOKENS_A_STEP)] = 1
            out["counted"][row, :count] = 1
        return out


def errors_of(graph: bytes | str, sentences: Sentences) -> TextErrors:
    """Compare an ONNX text student with the answers that were held out."""
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    rows = []
    for place in sentences.kept:
        wanted = {name: value[0] for name, value in sentences.gather([place]).items()}
        count = place[2] - place[1]
        mean, log_scale, durations = session.run(None, text_feed(wanted["ids"][:count]))
        scale = np.exp(wanted["log_scale"][:count])
        theirs = np.exp(wanted["log_frames"][:count])
        ours = durations[0, 0]
        long = np.ceil(theirs)
        off = ((mean[0].T - wanted["mean"][:count]) / scale) ** 2
        rows.append(
            (
                float((off.mean(axis=1) * long).sum() / long.sum()),
                float(((log_scale[0].T - wanted["log_scale"][:count]) ** 2).mean()),
                float(np.abs(np.log(np.maximum(ours, 1e-3)) - np.log(theirs)).mean()),
                float(np.abs(np.ceil(ours) - long).mean()),
                float(abs(np.ceil(ours).sum() / long.sum() - 1)),
            )
        )
    return TextErrors(*np.mean(rows, axis=0).tolist())


class _Run:
    """The state of a training."""

    def __init__(
        self,
        shape: TextShape,
        shards: Sequence[TextShard],
        training: TextTraining,
        warm: Weights | None,
    ) -> None:
        torch = self._torch = require_torch()
        torch.set_num_threads(training.threads)
        self._half = has_native_bfloat16(training.device)
        torch.set_flush_denormal(True)
        torch.manual_seed(training.seed)
        self._shape, self._t = shape, training
        self._rng = np.random.default_rng(training.seed)
        self._sentences = Sentences(shards, training.held_out)
        self._waiting: list[dict[str, npt.NDArray[Any]]] = []
        self._drawn_from, self._taken = self._rng.bit_generator.state, 0
        self._student = make_text_student(shape).to(training.device)
        if warm is not None:
            state = {name: torch.from_numpy(np.array(value)) for name, value in warm.items()}
            self._student.load_state_dict(state)
        self._optimiser = torch.optim.AdamW(
            self._student.parameters(), training.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self._average = {k: v.clone() for k, v in self._student.state_dict().items()}
        self.step = 0

    def advance(self) -> dict[str, float]:
        """One step; its losses."""
        torch, t = self._torch, self._t
        for group in self._optimiser.param_groups:
            group["lr"] = t.learning_rate * self._schedule()
        drawn = self._next_batch()
        batch = {name: torch.from_numpy(value).to(t.device) for name, value in drawn.items()}
        named = self._distances(batch)
        loss = sum(named.values())
        self._optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._student.parameters(), _GRADIENT_MAX)
        self._optimiser.step()
        self.step += 1
        self._follow()
        return {name: float(value.detach()) for name, value in named.items()}

    def _next_batch(self) -> dict[str, npt.NDArray[Any]]:
        if not self._waiting:
            self._drawn_from, self._taken = self._rng.bit_generator.state, 0
            self._waiting = self._sentences.draw(self._t.batch, self._rng)
        self._taken += 1
        return self._waiting.pop()

    def _distances(self, batch: dict[str, torch.Tensor]) -> dict[str, Any]:
        said = self._student(batch["ids"], batch["mask"], half=self._half)
        counted = batch["counted"]
        heard = counted * batch["log_frames"].exp().ceil().clamp(max=_FRAMES_COUNTED)
        off = (said.mean - batch["mean"]) * (-batch["log_scale"]).exp()
        spread = said.log_spread.clamp(_LOG_SPREAD_MIN, LOG_SPREAD_MAX)
        draw = (batch["swayed"] - batch["log_frames"] - said.shift) * (-spread).exp()
        # The draw of its own noise explains part of the sway, the rest is left to chance.
        unlike = 0.5 * (draw - batch["noise"]).square() + spread
        frames = (said.log_frames - batch["log_frames"]).abs()

        def over(values: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
            return (values * weight).sum() / weight.sum()

        return {
            "mean": over(off.square().mean(-1), heard),
            "scale": over((said.log_scale - batch["log_scale"]).square().mean(-1), heard),
            "frames": over(frames, counted),
            "sway": 0.05 * over(unlike, counted),
        }

    def averaged_weights(self) -> Weights:
        """The moving average, as arrays."""
        return weights_of(self._average)

    def save(self, path: Path) -> None:
        """Write everything needed to go on."""
        state = {
            "format": FORMAT,
            "shape": asdict(self._shape),
            "step": self.step,
            "student": self._student.state_dict(),
            "average": self._average,
            "optimiser": self._optimiser.state_dict(),
            # Batches are drawn many at a time: where that began, and how many of them are used up.
            "rng": self._drawn_from,
            "taken": self._taken,
        }
        scratch = path.with_suffix(".part")
        self._torch.save(state, scratch)
        scratch.replace(path)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            CheckpointUnusable: it is of another shape or damaged.
        """
        try:
            state = self._torch.load(path, map_location=self._t.device, weights_only=True)
            if state["format"] != FORMAT or state["shape"] != asdict(self._shape):
                raise CheckpointUnusable(f"{path.name} is of another text student")
            self._student.load_state_dict(state["student"])
            self._average = state["average"]
            self._optimiser.load_state_dict(state["optimiser"])
            self._rng.bit_generator.state = state["rng"]
            self.step, self._waiting = int(state["step"]), []
            for _ in range(int(state["taken"])):
                self._next_batch()
        except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
            raise CheckpointUnusable(f"{path.name} does not load: {error}") from error

    def _schedule(self) -> float:
        share = min(self.step / self._t.steps, 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * share))
        warm_up = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        return warm_up * (_LEARNING_RATE_FLOOR + (1 - _LEARNING_RATE_FLOOR) * cosine)

    def _follow(self) -> None:
        """Move the average towards the newest weights; faster in the beginning."""
        stay = min(self._t.average, (self.step + 1) / (self.step + 10))
        with self._torch.no_grad():
            for name, value in self._student.state_dict().items():
                self._average[name].lerp_(value, 1 - stay)
