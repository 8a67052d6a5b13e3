"""Speak one stream of utterances to its end: what ``voxedge read`` and ``voxedge say`` do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxedge.speech.events import Outcome, UtteranceStarted
from voxedge.speech.lines import SpeechClass
from voxedge.speech.owner import VoiceOwner

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxedge.audio.sink import AudioSink
    from voxedge.engines.protocols import Synthesizer
    from voxedge.speech.cache import SpeechCache
    from voxedge.speech.events import Event
    from voxedge.speech.lines import Place
    from voxedge.speech.speech import Script


@dataclass(frozen=True, slots=True)
class SpeechReport:
    """What became of it.

    Attributes:
        first_audio_ms: from the call until the first sample left the device (for a file: was
            written); None when there was nothing to say.
        audio_ms: length of what left the device, pauses included.
        utterances_spoken: utterances heard to their end.
        underruns: times the sound broke off in the middle of a sentence.
        stopped: a stop ended it before its end.
        place: of the last sentence heard to its end, None for speech from no document.
    """

    first_audio_ms: float | None
    audio_ms: float
    utterances_spoken: int
    underruns: int
    stopped: bool
    place: Place | None


async def speak_stream(
    utterances: Script,
    synthesizer: Synthesizer,
    sink: AudioSink,
    *,
    on_event: Callable[[Event], None] | None = None,
    on_owner: Callable[[VoiceOwner], None] | None = None,
    cache: SpeechCache | None = None,
) -> SpeechReport:
    """Speak everything and wait until the device has played it.

    Cancel it (Ctrl-C) to end with a fade; then ``close`` the sink, which lets the fade out. The
    caller opens and closes the sink and the synthesizers.

    Args:
        utterances: lines of a planner or plain utterances; spoken while they still come.
        synthesizer: the voice; with a ``FallbackVoice`` a failing one is replaced.
        sink: loudspeaker or file.
        on_event: told of each event, on the event loop.
        on_owner: given the owner before it begins, for its ``stop``, ``pause`` and ``resume``.
        cache: of whole utterances; one of its own when None.

    Raises:
        VoxedgeError: a voice, the script or the sink failed; what came before was spoken.
    """
    loop = asyncio.get_running_loop()
    began_s, began_at = loop.time(), sink.position
    first_audio_ms: float | None = None

    def listen(event: Event) -> None:
        nonlocal first_audio_ms
        if first_audio_ms is None and isinstance(event, UtteranceStarted):
            first_audio_ms = 1000.0 * (loop.time() - began_s)
        if on_event is not None:
            on_event(event)

    owner = VoiceOwner(synthesizer, sink, on_event=listen, cache=cache)
    if on_owner is not None:
        on_owner(owner)
    speech = owner.say(SpeechClass.READING, utterances)
    owner.finish()
    await owner.run()
    if speech.error is not None:
        raise speech.error
    return SpeechReport(
        first_audio_ms=first_audio_ms,
        audio_ms=1000.0 * (sink.position - began_at) / sink.rate_hz,
        utterances_spoken=speech.lines_spoken,
        underruns=sink.underruns,
        stopped=speech.outcome is not Outcome.SPOKEN,
        place=speech.place,
    )
