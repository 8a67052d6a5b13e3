"""Teacher pairs: what goes into the student, and what must come out of it.

The teacher is the voice itself: any amount of clean speech, for which the prior sample, the
samples and the pulses of every frame are known. Pairs are kept in shards of a few minutes, each
written whole or not at all, so that making them can be broken off and taken up again.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.durations import allot_frames
from voxedge.engines.tts.network import VoiceNetwork
from voxedge.engines.tts.phonemes import Phonemizer
from voxedge.engines.tts.piper_onnx import sample_prior
from voxedge.models.distil import corpus
from voxedge.models.distil.pitch import analyse, track, usual_pitch
from voxedge.models.progress import Progress, Silent

logger = logging.getLogger(__name__)

_NOISE_SCALES, _NOISE_SHARES = (0.0, 0.333, 0.667), (0.5, 0.25, 0.25)
_LENGTH_SCALES = (0.8, 1.25)
_PITCH_UTTERANCES = 12


@dataclass(frozen=True, slots=True)
class Shard:
    """Some minutes of pairs, utterance after utterance.

    Attributes:
        prior: prior sample ``float16 [frames, C]``.
        audio: the teacher's samples ``int16 [frames * hop]``.
        excitation: pulse train ``float16 [frames * hop]``.
        hz: pitch ``float32 [frames]``.
        voiced: ``bool [frames]``.
        offsets: first frame of each utterance, and the end ``int64 [utterances + 1]``.
    """

    prior: npt.NDArray[np.float16]
    audio: npt.NDArray[np.int16]
    excitation: npt.NDArray[np.float16]
    hz: npt.NDArray[np.float32]
    voiced: npt.NDArray[np.bool_]
    offsets: npt.NDArray[np.int64]


def make_shards(
    teacher: VoiceNetwork,
    folder: Path,
    minutes: float,
    shard_minutes: float = 4.0,
    texts: Sequence[Path] = (),
    seed: int = 1,
    progress: Progress | None = None,
) -> list[Path]:
    """Make the pairs that are not there yet. Blocking: some 3 s of CPU a minute of speech.

    Args:
        teacher: the voice in fp32.
        folder: where shards lie.
        minutes: how much speech in all.
        shard_minutes: how much in each file.
        texts: files of running English beside our own templates.
        seed: what to say.
        progress: told in shards.

    Returns:
        All shards, in order.
    """
    progress = progress or Silent()
    folder.mkdir(parents=True, exist_ok=True)
    count = max(1, round(minutes / shard_minutes))
    progress.start("making teacher pairs", count, "shards")
    usual_hz: float | None = None
    paths = [folder / f"pairs-{seed}-{index:03}.npz" for index in range(count)]
    for index, path in enumerate(paths):
        if not path.is_file():
            # A seed for each shard: making shard 5 does not need shards 0 to 4.
            usual_hz = usual_hz or _usual_pitch(teacher, seed)
            shard = _make(teacher, shard_minutes * 60, seed * 1000 + index, texts, usual_hz)
            scratch = path.with_suffix(".part")
            with scratch.open("wb") as stream:
                np.savez(stream, **{name: getattr(shard, name) for name in Shard.__slots__})
            scratch.replace(path)
        progress.advance(1)
    progress.finish()
    return paths


def load_shard(path: Path) -> Shard:
    """Read a shard.

    Raises:
        ValueError: it is no shard.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return Shard(**{name: archive[name] for name in Shard.__slots__})
    except (KeyError, BadZipFile, EOFError) as error:
        raise ValueError(f"{path.name} is no shard: {error}") from error


def utterances(
    teacher: VoiceNetwork, seed: int, texts: Sequence[Path] = ()
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Prior sample ``[C, frames]`` and the teacher's samples, utterance after utterance."""
    config = teacher.assets.config
    phonemizer = Phonemizer(config)
    rng = np.random.default_rng([seed, 11])
    speaker = config.default_speaker  # a student has one voice
    for text in corpus.sentences(seed, texts):
        for sentence in phonemizer.sentences(text):
            if not sentence.sounds:
                continue
            tokens = len(sentence.ids)
            spread = 0.8 if rng.random() < 0.5 else 0.0
            noise = rng.standard_normal((2, tokens), dtype=np.float32)
            encoded = teacher.encode(sentence.ids, noise, spread, speaker)
            frames = allot_frames(encoded.durations, rng.uniform(*_LENGTH_SCALES), 1.0)
            scale = rng.choice(_NOISE_SCALES, p=_NOISE_SHARES)
            prior = sample_prior(encoded, frames, float(scale), rng)
            samples = next(teacher.decode(prior, [prior.shape[1]], 0, speaker))
            yield prior, samples


def _usual_pitch(teacher: VoiceNetwork, seed: int) -> float | None:
    """The teacher's usual pitch, from a dozen utterances; the same for all its shards."""
    rate, hop = teacher.assets.config.rate_hz, teacher.assets.hop
    heard = itertools.islice(utterances(teacher, seed), _PITCH_UTTERANCES)
    return usual_pitch(track(samples.astype(np.float64), rate, hop) for _, samples in heard)


def _make(
    teacher: VoiceNetwork,
    seconds: float,
    seed: int,
    texts: Sequence[Path],
    usual_hz: float | None,
) -> Shard:
    rate, hop = teacher.assets.config.rate_hz, teacher.assets.hop
    priors, audio, pulses, hz, voiced = [], [], [], [], []
    total = 0.0
    for prior, samples in utterances(teacher, seed, texts):
        pitch = analyse(samples, rate, hop, usual_hz)
        priors.append(prior.T.astype(np.float16))
        audio.append(np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16))
        pulses.append(pitch.excitation.astype(np.float16))
        hz.append(pitch.hz)
        voiced.append(pitch.voiced)
        total += len(samples) / rate
        if total >= seconds:
            break
    offsets = np.cumsum([0, *(len(item) for item in priors)])
    return Shard(
        np.concatenate(priors),
        np.concatenate(audio),
        np.concatenate(pulses),
        np.concatenate(hz),
        np.concatenate(voiced),
        offsets,
    )


class Segments:
    """Random stretches of all shards, for training.

    Args:
        shards: what to draw from.
        frames: length of a stretch. One that reaches over an edge of its utterance is filled with
            zeros, as the network sees edges when it speaks.
        margin: frames by which a stretch may reach over an edge.
        hop: samples for each frame.
    """

    def __init__(self, shards: Sequence[Shard], frames: int, margin: int, hop: int) -> None:
        self._shards, self._frames, self._margin, self._hop = shards, frames, margin, hop
        self._index = [
            (number, int(begin), int(end))
            for number, shard in enumerate(shards)
            for begin, end in zip(shard.offsets[:-1], shard.offsets[1:], strict=True)
        ]
        sizes = np.array([end - begin for _, begin, end in self._index], dtype=np.float64)
        if not len(sizes):
            raise ValueError("there are no teacher pairs")
        self._shares = sizes / sizes.sum()

    def draw(self, batch: int, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float32]]:
        """A batch: ``prior``, ``audio``, ``excitation``, ``hz`` and ``weight`` of the pitch."""
        frames, hop = self._frames, self._hop
        width = self._shards[0].prior.shape[1]
        out = {
            "prior": np.zeros((batch, frames, width), dtype=np.float32),
            "audio": np.zeros((batch, frames * hop), dtype=np.float32),
            "excitation": np.zeros((batch, frames * hop), dtype=np.float32),
            "hz": np.full((batch, frames), 100.0, dtype=np.float32),
            "weight": np.zeros((batch, frames), dtype=np.float32),
        }
        picks = rng.choice(len(self._index), batch, p=self._shares)
        for row, pick in enumerate(picks):
            number, begin, end = self._index[pick]
            shard, length = self._shards[number], end - begin
            latest = max(-self._margin, length - frames + self._margin)
            first = int(rng.integers(-self._margin, latest + 1))
            low, high = max(first, 0), min(first + frames, length)
            here = slice(low - first, high - first)
            there = slice(begin + low, begin + high)
            here_samples = slice(here.start * hop, here.stop * hop)
            there_samples = slice(there.start * hop, there.stop * hop)
            out["prior"][row, here] = shard.prior[there]
            out["audio"][row, here_samples] = shard.audio[there_samples] / np.float32(32768)
            out["excitation"][row, here_samples] = shard.excitation[there_samples]
            out["hz"][row, here] = shard.hz[there]
            # Where there is no voice the pitch only has to run on.
            out["weight"][row, here] = np.where(shard.voiced[there], 1.0, 0.05)
        return out
