"""The formant voice: Debian's espeak-ng as a child process.

Small, instant, understandable at any speed and in a hundred languages: it spells, it speaks very
fast, and it takes over whenever the natural voice fails. The text goes in over standard input, so
that no shell and no argument parser ever sees it; raw samples come out while it still speaks.
"""

from __future__ import annotations

import asyncio
import os
import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import TypeVar

import numpy as np

from voxedge.engines.tts.network import Floats
from voxedge.engines.tts.phonemes import clean
from voxedge.errors import EmptyText, FormantVoiceMissing, VoiceFailed
from voxedge.flow import PcmChunk, Utterance

_T = TypeVar("_T")

WORDS_PER_MINUTE = 175
"""espeak-ng's own speed, taken as rate 1."""

SLOWEST_WPM, FASTEST_WPM = 80, 525
"""What espeak-ng speaks; above 450 it shortens the waveform (libsonic)."""

GAIN_DB = -2.5
"""Against en_US-joe-medium with its gain: see ``docs/voices.md``, "Loudness"."""

_RATE_HZ = 22_050
_HEADER_BYTES = 44
_CHUNK_SAMPLES = 4096
_FALLBACK_VOICE = "en-us"
_ALIASES = {"zh": "cmn", "zh-cn": "cmn", "zh-tw": "cmn", "no": "nb", "en": "en-us", "pt": "pt-br"}
_BLOCK = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)

# IPA as the lexicon writes it to espeak-ng's own ASCII mnemonics, longest first when matching.
_MNEMONICS = {
    "tʃ": "tS", "dʒ": "dZ", "eɪ": "eI", "aɪ": "aI", "ɔɪ": "OI", "oʊ": "oU", "əʊ": "@U",
    "aʊ": "aU", "iː": "i:", "uː": "u:", "ɑː": "A:", "ɔː": "O:", "ɜː": "3:", "ɪə": "i@3",
    "æ": "a", "ɑ": "A:", "ɐ": "a#", "ɒ": "0", "ʌ": "V", "ə": "@", "ɚ": "3", "ɛ": "E",
    "ɜ": "3:", "ɪ": "I", "ᵻ": "I2", "ɔ": "O:", "ʊ": "U", "θ": "T", "ð": "D", "ʃ": "S",
    "ʒ": "Z", "ŋ": "N", "ɹ": "r", "ɾ": "t#", "ɡ": "g", "ʔ": "?", "ˈ": "'", "ˌ": ",",
    "ː": ":", " ": "_:",
}  # fmt: skip
_IPA = re.compile("|".join(sorted(map(re.escape, _MNEMONICS), key=len, reverse=True)) + r"|[a-z]")


class EspeakVoice:
    """espeak-ng (``Synthesizer``). One child process for each utterance, killed when not wanted.

    Args:
        program: name or path of the program.
        deadline_s: longest wait for the next samples.
        gain_db: amplification.
    """

    def __init__(
        self, program: str = "espeak-ng", deadline_s: float = 5.0, gain_db: float = GAIN_DB
    ) -> None:
        self._program = program
        self._deadline_s = deadline_s
        self._gain = np.float32(10.0 ** (gain_db / 20.0) / 32768.0)
        self._voices: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """Always "espeak-ng"."""
        return "espeak-ng"

    @property
    def rate_hz(self) -> int:
        """Samples a second: 22,050."""
        return _RATE_HZ

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Synthesize an utterance; see ``Synthesizer.stream``.

        Raises:
            EmptyText: there is nothing in it to say.
            FormantVoiceMissing: espeak-ng is not installed.
            VoiceFailed: it crashed, hung or answered garbage.
        """
        text = speakable(utterance.text)
        if not _has_sound(text):
            raise EmptyText
        voice = await self._voice_for(utterance.language)
        speed = min(max(round(WORDS_PER_MINUTE * utterance.rate), SLOWEST_WPM), FASTEST_WPM)
        # -b 1: UTF-8 in; -z: no pause at the end, pauses are the text room's business.
        child = await self._start(
            "-v", voice, "-s", str(speed), "-b", "1", "-z", "--stdin", "--stdout"
        )
        try:
            await self._within(_feed(child, text))
            await self._read_header(child)
            held = await self._read_samples(child)
            if not len(held):
                if not any(char.isalnum() for char in text):
                    raise EmptyText  # punctuation that espeak-ng passes over
                raise VoiceFailed(voice=self.name, reason="it made no sound")
            while len(following := await self._read_samples(child)):
                yield PcmChunk(held, _RATE_HZ)
                held = following
            if await self._within(child.wait()):
                raise VoiceFailed(voice=self.name, reason=f"it ended with {child.returncode}")
            yield PcmChunk(held, _RATE_HZ, last=True)
        finally:
            if child.returncode is None:
                child.kill()
                await asyncio.shield(child.wait())

    def close(self) -> None:
        """Nothing to free: children live as long as their utterance."""

    async def languages(self) -> frozenset[str]:
        """The language tags it speaks, in lower case; asked of the program once.

        Raises:
            FormantVoiceMissing: espeak-ng is not installed.
            VoiceFailed: it does not answer.
        """
        if self._voices is None:
            child = await self._start("--voices")
            try:
                output, _ = await self._within(child.communicate())
            finally:
                if child.returncode is None:
                    child.kill()
                    await asyncio.shield(child.wait())
            self._voices = parse_voices(output.decode("utf-8", "replace"))
        return self._voices

    async def _voice_for(self, language: str) -> str:
        """The voice for a BCP 47 tag: exact, else the language without its region, else English."""
        known = await self.languages()
        tag = language.lower().replace("_", "-")
        primary = tag.split("-")[0]
        for candidate in (tag, _ALIASES.get(tag), primary, _ALIASES.get(primary)):
            if candidate in known:
                return str(candidate)
        return _FALLBACK_VOICE

    async def _start(self, *arguments: str) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                self._program,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except (FileNotFoundError, PermissionError) as error:
            raise FormantVoiceMissing from error
        except OSError as error:
            name = Path(self._program).name
            raise VoiceFailed(voice=self.name, reason=f"{name}: {error.strerror}") from error

    async def _within(self, work: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await work
        except TimeoutError as error:
            reason = f"it did not answer for {self._deadline_s:g} s"
            raise VoiceFailed(voice=self.name, reason=reason) from error

    async def _read_header(self, child: asyncio.subprocess.Process) -> None:
        """Skip the WAV header, whose length field is unknown in a stream, and check its format."""
        header = await self._within(_read(child, _HEADER_BYTES))
        if not header:
            code = await self._within(child.wait())
            raise VoiceFailed(voice=self.name, reason=f"it made no sound (ended with {code})")
        if len(header) < _HEADER_BYTES or header[:4] != b"RIFF":
            raise VoiceFailed(voice=self.name, reason="its output is no sound")
        channels = int.from_bytes(header[22:24], "little")
        rate_hz = int.from_bytes(header[24:28], "little")
        bits = int.from_bytes(header[34:36], "little")
        if (channels, rate_hz, bits) != (1, _RATE_HZ, 16):
            reason = f"{channels} channels of {bits} bits at {rate_hz} Hz"
            raise VoiceFailed(voice=self.name, reason=reason)

    async def _read_samples(self, child: asyncio.subprocess.Process) -> Floats:
        """The next samples, in [-1, 1]; none at the end."""
        data = await self._within(_read(child, 2 * _CHUNK_SAMPLES))
        samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2")
        return np.asarray(np.clip(samples.astype(np.float32) * self._gain, -1.0, 1.0))


async def _read(child: asyncio.subprocess.Process, count: int) -> bytes:
    assert child.stdout is not None
    try:
        return await child.stdout.readexactly(count)
    except asyncio.IncompleteReadError as error:
        return error.partial


async def _feed(child: asyncio.subprocess.Process, text: str) -> None:
    """Hand over the text. A child that died early is told by its output and exit code."""
    assert child.stdin is not None
    try:
        child.stdin.write(text.encode())
        await child.stdin.drain()
        child.stdin.close()
        await child.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return


def speakable(text: str) -> str:
    """Text as espeak-ng takes it: the lexicon's IPA blocks in its own ASCII mnemonics."""

    def mnemonics(block: re.Match[str]) -> str:
        symbols = unicodedata.normalize("NFC", block.group(1))
        return "[[" + "".join(_MNEMONICS.get(item, item) for item in _IPA.findall(symbols)) + "]]"

    return _BLOCK.sub(mnemonics, clean(text)).strip()


def parse_voices(listing: str) -> frozenset[str]:
    """Language tags out of ``espeak-ng --voices``: the second column and the "other" ones."""
    tags: set[str] = set()
    for line in listing.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 1:
            tags.add(fields[1].lower())
            tags.update(tag.lower() for tag in re.findall(r"\(([\w-]+) \d+\)", line))
    return frozenset(tags)


def _has_sound(text: str) -> bool:
    return any(not char.isspace() for char in text)
