"""The middle rung of the ladder: the same voice by its lighter networks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import cast

from voxedge.engines.protocols import Synthesizer
from voxedge.flow import PcmChunk, Utterance, VoiceKind


class LighterVoice:
    """A voice that asks another one for ``VoiceKind.LIGHT`` (``Synthesizer``).

    It shares that one's process, text encoder and thread, so that a device that is short of
    everything loads one small network and nothing else.

    Args:
        voice: the natural voice; whoever made it closes it.
    """

    def __init__(self, voice: Synthesizer) -> None:
        self._voice = voice

    @property
    def name(self) -> str:
        """The voice's name and what is special about it."""
        return f"{self._voice.name} (light)"

    @property
    def rate_hz(self) -> int:
        """Samples a second of every chunk."""
        return self._voice.rate_hz

    async def stream(self, utterance: Utterance) -> AsyncIterator[PcmChunk]:
        """Synthesize; see ``Synthesizer.stream``."""
        asked = replace(utterance, kind=VoiceKind.LIGHT)
        # The protocol promises an async iterator that can be closed: an async generator.
        source = cast("AsyncGenerator[PcmChunk, None]", self._voice.stream(asked))
        async with aclosing(source) as chunks:
            async for chunk in chunks:
                yield chunk

    def close(self) -> None:
        """Nothing to free here."""
