"""The natural voice: a Piper VITS model cut into stages, decoded while it is being heard.

Synthesis runs on one thread of the voice's own. The event loop asks for a chunk, the thread makes
it; nothing is made ahead of the asking, so that a consumer that stops asking stops the work.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxedge.engines.tts.assets import VoiceAssets
from voxedge.engines.tts.compress import TimeCompressor
from voxedge.engines.tts.durations import allot_frames, chunk_plan
from voxedge.engines.tts.network import (
    Encoded,
    Floats,
    NetworkFailed,
    Networks,
    NetworkStopped,
    StopSwitch,
)
from voxedge.engines.tts.opening import open_lighter, open_network
from voxedge.engines.tts.phonemes import PhonemeIds, Phonemizer, PhonemizerFailed
from voxedge.errors import EmptyText, VoiceCorrupt, VoiceFailed
from voxedge.flow import PcmChunk, Utterance, VoiceKind

RATE_MIN, RATE_MAX = 0.5, 3.0
"""What an utterance may ask; anything beyond is taken as the nearest of the two."""

SQUEEZE_MAX = 1.5
"""Up to this rate the network is asked for shorter phonemes; beyond it speaks at its own rate and
the waveform is shortened. Word error rates by Whisper tiny, squeezed against shortened: 3.7 and
3.3 % at rate 1.5, 18.2 and 6.5 % at 1.75, 22.9 and 8.9 % at 2."""

LEAD_FRAMES, TAIL_FRAMES = 5, 3
"""Frames (11.6 ms each at 22,050 Hz) kept before the first and after the last phoneme. The model
begins with up to 18 frames of silence and ends with some 12; pauses are the text room's business.
Over 78 sentences of en_US-joe-medium no sound above -55 dB began more than 3 frames before its
first phoneme (an "s" starts early) and none lasted beyond its last."""

SENTENCE_GAP_MS = 250
"""Silence between sentences inside one utterance (the text room normally sends one each)."""

SILENT_PEAK = 1e-3
"""A whole utterance below -60 dB full scale is a broken network, not speech."""

_FADE_MS = 4


@dataclass(frozen=True, slots=True)
class PiperSettings:
    """How to run a voice.

    Attributes:
        threads: threads for each operator; None for all cores but one, at most 3.
        first_chunk_frames: size of the first chunk.
        chunk_growth: size of a chunk to the one before it.
        largest_chunk_frames: size no chunk exceeds.
        speaker: speaker number; None for the voice's own default.
    """

    threads: int | None = None
    first_chunk_frames: int = 16
    chunk_growth: float = 1.6
    largest_chunk_frames: int = 96
    speaker: int | None = None


class PiperOnnxVoice:
    """A neural voice (``Synthesizer``).

    The networks are loaded on first use, on the voice's thread; ``warm_up`` does it beforehand.

    Args:
        assets: the built voice.
        settings: how to run it.
    """

    def __init__(self, assets: VoiceAssets, settings: PiperSettings | None = None) -> None:
        self._assets = assets
        self._settings = settings or PiperSettings()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"voice-{assets.name}")
        self._network: Networks | None = None
        self._lighter: Networks | None = None
        self._phonemizer = Phonemizer(assets.config)
        self._missing_phonemes = 0

    @property
    def name(self) -> str:
        """The voice's name in the manifest."""
        return self._assets.name

    @property
    def rate_hz(self) -> int:
        """Samples a second."""
        return self._assets.config.rate_hz

    @property
    def language(self) -> str:
        """BCP 47 tag of what it speaks."""
        return self._assets.config.language

    @property
    def missing_phonemes(self) -> int:
        """Phonemes left out so far because the voice does not know them."""
        return self._missing_phonemes

    async def warm_up(self) -> None:
        """Load the networks now instead of at the first utterance.

        Raises:
            VoiceCorrupt: a network does not load.
        """
        await asyncio.get_running_loop().run_in_executor(self._executor, self._loaded)

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Synthesize an utterance; see ``Synthesizer.stream``.

        Raises:
            EmptyText: there is nothing in it to say.
            VoiceCorrupt: a network does not load.
            VoiceFailed: a network fails, or gives something that is no speech.
        """
        switch = StopSwitch()
        steps = self._chunks(utterance, switch)
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    work = loop.run_in_executor(self._executor, next, steps, None)
                except RuntimeError as error:
                    raise VoiceFailed(voice=self.name, reason="it is closed") from error
                chunk = await work
                if chunk is None:
                    return
                yield chunk
        finally:
            # Reached at the end, on ``aclose`` and on cancellation. A run still in the thread
            # ends at its next operator and the generator there dies of NetworkStopped.
            switch.stop()

    def close(self) -> None:
        """Let the thread end after its current run and drop the networks. Idempotent."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._network = self._lighter = None

    def _loaded(self) -> Networks:
        if self._network is None:
            try:
                self._network = open_network(self._assets, thread_count(self._settings.threads))
            except NetworkFailed as error:
                raise VoiceCorrupt(voice=self.name, reason=str(error)) from error
        return self._network

    def _loaded_lighter(self) -> Networks:
        """The lighter networks, loaded when they are first asked for: most devices never do."""
        if self._lighter is None:
            threads = thread_count(self._settings.threads)
            self._lighter = open_lighter(self._assets, self._loaded(), threads)
        return self._lighter

    def _chunks(self, utterance: Utterance, switch: StopSwitch) -> Iterator[PcmChunk]:
        """The work itself, on the voice's thread: one chunk for each ``next``."""
        try:
            yield from self._speak(utterance, switch)
        except NetworkStopped:
            return
        except (NetworkFailed, PhonemizerFailed) as error:
            raise VoiceFailed(voice=self.name, reason=str(error)) from error
        except MemoryError as error:
            raise VoiceFailed(voice=self.name, reason="out of memory") from error

    def _speak(self, utterance: Utterance, switch: StopSwitch) -> Iterator[PcmChunk]:
        light = utterance.kind is VoiceKind.LIGHT
        network = self._loaded_lighter() if light else self._loaded()
        sentences = (item for item in self._phonemizer.sentences(utterance.text) if item.sounds)
        sentence = next(sentences, None)
        if sentence is None:
            raise EmptyText
        gap = np.zeros(self.rate_hz * SENTENCE_GAP_MS // 1000, dtype=np.float32)
        index, peak = 0, 0.0
        while sentence is not None:
            self._missing_phonemes += sentence.missing
            # Seeded by place, not by what was drawn before: sentences do not depend on each other.
            noise = np.random.default_rng([utterance.seed % 2**64, index])
            pending: PhonemeIds | None = None
            for samples, ends in self._sentence(network, sentence, utterance.rate, noise, switch):
                peak = max(peak, float(np.max(np.abs(samples), initial=0.0)))
                if ends:
                    pending = next(sentences, None)
                    samples = samples if pending is None else np.concatenate([samples, gap])
                last = ends and pending is None
                if last and peak < SILENT_PEAK:
                    raise NetworkFailed("it gives silence instead of speech")
                yield PcmChunk(samples, self.rate_hz, last)
            sentence, index = pending, index + 1

    def _sentence(
        self,
        network: Networks,
        sentence: PhonemeIds,
        rate: float,
        noise: np.random.Generator,
        switch: StopSwitch,
    ) -> Iterator[tuple[Floats, bool]]:
        """Chunks of one sentence, each with whether it is the sentence's last."""
        config, settings = self._assets.config, self._settings
        speaker = config.default_speaker if settings.speaker is None else settings.speaker
        tokens = len(sentence.ids)
        encoded = network.encode(
            sentence.ids,
            noise.standard_normal((2, tokens), dtype=np.float32),
            config.duration_noise_scale,
            speaker,
            switch,
        )
        by_durations, by_waveform = speeds(rate)
        frames = allot_frames(encoded.durations, config.length_scale, by_durations)
        prior = sample_prior(encoded, frames, config.noise_scale, noise)
        begin, end = kept_frames(frames, sentence.lead, sentence.tail)
        sizes = chunk_plan(
            end - begin,
            round(settings.first_chunk_frames * by_waveform),
            settings.chunk_growth,
            settings.largest_chunk_frames,
        )
        gain = np.float32(10.0 ** (self._assets.gain_db / 20.0))
        fade = np.linspace(0.0, 1.0, self.rate_hz * _FADE_MS // 1000, dtype=np.float32)
        compressor = TimeCompressor(by_waveform, self.rate_hz) if by_waveform > 1 else None
        chunks = network.decode(prior, sizes, begin, speaker, switch)
        for number, samples in enumerate(chunks, 1):
            if not np.isfinite(samples).all():
                raise NetworkFailed("it gives numbers that are no samples")
            if compressor is not None:
                samples = compressor.push(samples, last=number == len(sizes))
            samples = np.clip(samples * gain, -1.0, 1.0)
            if number == 1:
                samples[: len(fade)] *= fade[: len(samples)]
            if number == len(sizes):
                samples[-len(fade) :] *= fade[::-1][-len(samples) :]
            yield samples, number == len(sizes)


def sample_prior(
    encoded: Encoded, frames: npt.NDArray[np.int64], noise_scale: float, noise: np.random.Generator
) -> Floats:
    """Stretch the prior to frames and draw from it.

    Returns:
        ``float32 [C, frames]``: the mean of each frame's token plus scaled Gaussian noise.
    """
    mean = np.repeat(encoded.mean, frames, axis=1)
    spread = np.repeat(np.exp(encoded.log_scale) * np.float32(noise_scale), frames, axis=1)
    draws: Floats = noise.standard_normal(mean.shape, dtype=np.float32)
    return np.asarray(mean + draws * spread)


def kept_frames(frames: npt.NDArray[np.int64], lead: int, tail: int) -> tuple[int, int]:
    """First and last frame to decode: what sounds, and a little around it.

    Args:
        frames: frames of each token.
        lead: tokens at the beginning that stand for no sound.
        tail: tokens at the end that stand for no sound.
    """
    total = int(frames.sum())
    sound_begin = int(frames[:lead].sum())
    sound_end = total - int(frames[len(frames) - tail :].sum())
    return max(0, sound_begin - LEAD_FRAMES), min(total, max(sound_end, 1) + TAIL_FRAMES)


def speeds(rate: float) -> tuple[float, float]:
    """How much of a rate is asked of the durations and how much of the waveform.

    Args:
        rate: what the utterance asks; anything beyond the limits is taken as the nearest one.
    """
    rate = min(max(rate, RATE_MIN), RATE_MAX)
    return (rate, 1.0) if rate <= SQUEEZE_MAX else (1.0, rate)


def thread_count(asked: int | None) -> int:
    """Threads for the networks: what was asked, else all cores but one, at most 3.

    A fourth thread gains a Raspberry Pi 4 nothing (published real-time factors: .39 with three,
    .36 with four) and would starve the audio callback.
    """
    if asked is not None:
        return max(1, asked)
    return max(1, min(3, (os.cpu_count() or 2) - 1))
