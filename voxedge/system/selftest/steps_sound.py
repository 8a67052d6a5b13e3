"""Voice, volume and microphone."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np

from voxedge.audio.microphone_level import Level, MicrophoneHealth, level_of
from voxedge.errors import MicrophoneDead, MicrophoneLost, MicrophoneMissing
from voxedge.system.selftest.outcome import Outcome, absent, well, wrong
from voxedge.system.selftest.ports import Parts

RATE_HZ = 16_000
SILENCE_S = 1.5
HEARS_DB = 6.0
"""By so much a sentence of the box itself must stand out from the silence before it. A microphone
half a metre from the loudspeaker hears it 20 to 30 dB above a quiet room."""

TOO_QUIET_DBFS = -55.0
"""Speech below it drowns in the noise of a cheap converter."""

COUNTING = "I count for the microphone. One, two, three, four, five."


async def voice(parts: Parts) -> Outcome:
    """Say something, and tell which voice and which loudspeaker that was."""
    speaker = parts.speaker
    await speaker.say("This is the self-test of your reader. You hear my voice now.")
    detail = f"{speaker.voice or 'no voice'} on {speaker.loudspeaker or 'no loudspeaker'}"
    if not speaker.loudspeaker:
        return wrong(
            "There is no loudspeaker. Check its plug and its power.",
            f"{detail}: {speaker.trouble}",
        )
    if speaker.voice != parts.settings.voice.name:
        return wrong("My natural voice is missing. You hear the simple one.", speaker.trouble)
    return well("The voice is well.", detail)


async def volume(parts: Parts) -> Outcome:
    """Say one word softly, one in the middle, one loudly; the ear of the assembler judges."""
    speaker = parts.speaker
    before = speaker.underruns
    usual = parts.settings.voice.volume
    for text, factor in (("This is soft.", 0.35), ("This is normal.", 1.0), ("This is loud.", 1.8)):
        await speaker.say(text, usual * factor)
    breaks = speaker.underruns - before
    if breaks:
        return wrong(
            "My sound broke off. Check the power supply, and use a shorter cable.",
            f"{breaks} interruptions",
        )
    return well(
        "If the loud sentence was distorted, turn the amplifier down.", "soft, normal and loud"
    )


async def microphone(parts: Parts) -> Outcome:
    """Listen to the room, then to the own voice: that tries loudspeaker and microphone at once."""
    heard: list[np.ndarray] = []
    health = MicrophoneHealth(RATE_HZ)

    async def listen() -> None:
        async with aclosing(parts.microphone.pieces()) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                heard.append(piece)
                health.hear(piece)

    ear = asyncio.create_task(listen(), name="self-test microphone")
    try:
        await _until(heard, round(SILENCE_S * RATE_HZ), ear)
        silence_pieces = len(heard)
        # One of both ends: the sentence, or a microphone that dies of it.
        speaking = asyncio.create_task(parts.speaker.say(COUNTING), name="self-test counting")
        await asyncio.wait((speaking, ear), return_when=asyncio.FIRST_COMPLETED)
        await speaking
        if ear.done():
            ear.result()
    except MicrophoneMissing as error:
        return absent(
            "There is no microphone. You need none for the buttons.", str(error.details["reason"])
        )
    except MicrophoneDead as error:
        return wrong(
            "The microphone is there, but hears nothing at all. Is it switched off?", str(error)
        )
    except MicrophoneLost as error:
        return wrong("The microphone was lost while I listened. Check its plug.", str(error))
    finally:
        ear.cancel()
        await asyncio.gather(ear, return_exceptions=True)
    silence = level_of(np.concatenate(heard[:silence_pieces]))
    speech_pieces = heard[silence_pieces:] or heard[-1:]
    return _judge(silence, level_of(np.concatenate(speech_pieces)), clipping=health.clipping)


def _judge(silence: Level, speech: Level, *, clipping: bool) -> Outcome:
    detail = f"silence {silence.rms_dbfs:.0f} dBFS, my voice {speech.rms_dbfs:.0f} dBFS"
    if clipping:
        return wrong("The microphone is too sensitive: it is overdriven by my voice.", detail)
    if speech.rms_dbfs - silence.rms_dbfs < HEARS_DB:
        return wrong(
            "The microphone works, but does not hear me. Is the room loud, or is it far away?",
            detail,
        )
    if speech.rms_dbfs < TOO_QUIET_DBFS:
        return wrong("The microphone is too quiet. Raise its level, or move it nearer.", detail)
    return well("The microphone hears me.", detail)


async def _until(heard: list[np.ndarray], samples: int, ear: asyncio.Task[None]) -> None:
    while sum(map(len, heard)) < samples:
        if ear.done():
            ear.result()
            raise MicrophoneLost(device="microphone")
        await asyncio.sleep(0.05)
