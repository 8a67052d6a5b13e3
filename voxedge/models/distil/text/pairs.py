"""What the original text encoder answers: the pairs that its student learns from.

Half of the sentences are of the corpus (templates, and running text where it is given), the others
words of it in no order, so that sounds meet that no sentence brought together. Answers without
noise teach prior and durations; a second answer with the voice's own noise teaches how far
durations sway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.network import VoiceNetwork
from voxedge.engines.tts.phonemes import Phonemizer
from voxedge.models.distil import corpus
from voxedge.models.progress import Progress, Silent

SHARD_SENTENCES = 1000
_SALAD_SHARE = 0.4
_SALAD_WORDS = (1, 16)
_STOPS, _STOP_SHARES = (".", "?", "!", ",", ""), (0.6, 0.15, 0.08, 0.07, 0.1)
_COMMA_SHARE = 0.12
_BAG_SENTENCES = 4000
_DURATION_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class TextShard:
    """A thousand sentences, one after another.

    Attributes:
        ids: phoneme ids, marks included ``int16 [tokens]``.
        mean: prior mean ``float16 [tokens, C]``.
        log_scale: logarithm of the prior's standard deviation ``float16 [tokens, C]``.
        log_frames: logarithm of the duration in frames, without noise ``float32 [tokens]``.
        swayed: the same with noise at the voice's own scale ``float32 [tokens]``.
        noise: the draws that ``swayed`` came of, first channel ``float32 [tokens]``.
        offsets: first token of each sentence, and the end ``int64 [sentences + 1]``.
    """

    ids: npt.NDArray[np.int16]
    mean: npt.NDArray[np.float16]
    log_scale: npt.NDArray[np.float16]
    log_frames: npt.NDArray[np.float32]
    swayed: npt.NDArray[np.float32]
    noise: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.int64]


def make_text_shards(
    teacher: VoiceNetwork,
    folder: Path,
    sentences: int,
    texts: Sequence[Path] = (),
    seed: int = 1,
    progress: Progress | None = None,
) -> list[Path]:
    """Make the pairs that are not there yet. Blocking: some 70 ms of CPU a sentence.

    Args:
        teacher: the voice in fp32.
        folder: where shards lie.
        sentences: how many in all.
        texts: files of running English beside our own templates.
        seed: what to say.
        progress: told in shards.

    Returns:
        All shards, in order.

    Raises:
        OSError: the folder cannot be written, or a text cannot be read.
    """
    progress = progress or Silent()
    folder.mkdir(parents=True, exist_ok=True)
    count = max(1, round(sentences / SHARD_SENTENCES))
    each = min(sentences, SHARD_SENTENCES)
    progress.start("asking the text encoder", count, "shards")
    paths = [folder / f"text-{seed}-{index:03}.npz" for index in range(count)]
    for index, path in enumerate(paths):
        if not path.is_file():
            shard = _make(teacher, each, seed * 1000 + index, texts)
            scratch = path.with_suffix(f".{index}.part")
            with scratch.open("wb") as stream:
                np.savez(stream, **{name: getattr(shard, name) for name in TextShard.__slots__})
            scratch.replace(path)
        progress.advance(1)
    progress.finish()
    return paths


def load_text_shard(path: Path) -> TextShard:
    """Read a shard.

    Raises:
        ValueError: it is no shard.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return TextShard(**{name: archive[name] for name in TextShard.__slots__})
    except (KeyError, BadZipFile, EOFError) as error:
        raise ValueError(f"{path.name} is no shard: {error}") from error


def lines_to_say(seed: int, texts: Sequence[Path] = ()) -> Iterator[str]:
    """Sentences and word salad without end, the same for the same seed and texts."""
    rng = np.random.default_rng([seed, 13])
    whole = corpus.sentences(seed, texts)
    words = [word for _ in range(_BAG_SENTENCES) for word in next(whole).split()]
    bag = [word.strip(".,;:!?\"'()") for word in words]
    while True:
        yield _salad(bag, rng) if rng.random() < _SALAD_SHARE else next(whole)


def _salad(bag: Sequence[str], rng: np.random.Generator) -> str:
    count = int(rng.integers(_SALAD_WORDS[0], _SALAD_WORDS[1] + 1))
    words = [bag[pick] for pick in rng.integers(len(bag), size=count)]
    commas = rng.random(count - 1) < _COMMA_SHARE
    joined = "".join(
        word + (", " if comma else " ") for word, comma in zip(words[:-1], commas, strict=True)
    )
    text: str = joined + words[-1] + str(rng.choice(_STOPS, p=_STOP_SHARES))
    return text[:1].upper() + text[1:]


def _make(teacher: VoiceNetwork, sentences: int, seed: int, texts: Sequence[Path]) -> TextShard:
    config = teacher.assets.config
    spread, speaker = config.duration_noise_scale, config.default_speaker
    phonemizer = Phonemizer(config)
    rng = np.random.default_rng([seed, 17])
    parts: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in TextShard.__slots__}
    parts["offsets"].append(np.array([0]))
    total = 0
    for text in lines_to_say(seed, texts):
        for sentence in phonemizer.sentences(text):
            if not sentence.sounds or len(parts["offsets"]) > sentences:
                continue
            count = len(sentence.ids)
            noise = rng.standard_normal((2, count), dtype=np.float32)
            still = teacher.encode(sentence.ids, None, 0.0, speaker)
            swayed = teacher.encode(sentence.ids, noise, spread, speaker)
            total += count
            parts["ids"].append(np.array(sentence.ids, dtype=np.int16))
            parts["mean"].append(still.mean.T.astype(np.float16))
            parts["log_scale"].append(still.log_scale.T.astype(np.float16))
            parts["log_frames"].append(_log(still.durations))
            parts["swayed"].append(_log(swayed.durations))
            parts["noise"].append(noise[0])
            parts["offsets"].append(np.array([total]))
        if len(parts["offsets"]) > sentences:
            break
    return TextShard(**{name: np.concatenate(values) for name, values in parts.items()})


def _log(durations: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.log(np.maximum(durations, _DURATION_LEAST)).astype(np.float32)
