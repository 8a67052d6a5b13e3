"""The reader's own sentences, made into sound while nobody wants anything."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from voxedge.engines.tts.fallback import NATURAL_RATE_MAX
from voxedge.errors import VoxedgeError
from voxedge.logs import fields
from voxedge.reader.own_phrases import OwnPhrases
from voxedge.reader.session import Session
from voxedge.service.proxies import WorkerSynthesizer
from voxedge.service.workers import Worker
from voxedge.speech.prepare import phrase_sound

if TYPE_CHECKING:
    from voxedge.speech.phrase_cache import PhraseCache

log = logging.getLogger(__name__)

START_PATIENCE_S = 600.0
"""The first start of a voice may build its networks."""

LOOK_S = 20.0
"""Nobody tells when the speed changes: it is looked at, like the temperature."""


async def warm_phrases(
    session: Session,
    phrases: OwnPhrases,
    voice: WorkerSynthesizer,
    worker: Worker,
    kept: PhraseCache | None = None,
) -> None:
    """Keep the fixed sentences as sound at the present speed; runs until cancelled.

    What ``kept`` has is taken from there, what it lacks is spoken and left there for the next
    start.

    Args:
        session: whose sentences they are.
        phrases: where they are kept.
        voice: the natural voice alone: a sentence that the formant voice said is not kept.
        worker: of that voice.
        kept: where they outlive this process; None for nowhere.
    """
    await worker.wait_ready(START_PATIENCE_S)
    rate: float | None = None
    while True:
        await asyncio.sleep(0.0 if rate is None else LOOK_S)
        if rate != session.model.rate:
            rate = session.model.rate
            phrases.unpin()
            if rate > NATURAL_RATE_MAX:
                continue  # The formant voice says everything at such a speed, and is quick at it.
            pinned = await _pin_all(session, phrases, voice, rate, kept)
            log.info("own phrases are kept", extra=fields(event="phrases_kept", count=pinned))


async def _pin_all(
    session: Session,
    phrases: OwnPhrases,
    voice: WorkerSynthesizer,
    rate: float,
    kept: PhraseCache | None,
) -> int:
    pinned = 0
    for utterance in tuple(session.fixed_utterances()):
        # Nobody waits for this: a look each second will do.
        while session.speaking or session.model.work is not None:  # noqa: ASYNC110
            await asyncio.sleep(1.0)
        if session.model.rate != rate:
            break
        if phrases.pinned(voice.name, utterance):
            continue
        try:
            chunks = await phrase_sound(voice, utterance, kept)
        except VoxedgeError as error:
            log.info("a phrase is not kept: %s", error)
            await asyncio.sleep(5.0)
            continue
        if not phrases.pin(voice.name, utterance, chunks):
            break
        pinned += 1
        await asyncio.sleep(0)  # One after the other from a disk: others must get their turn.
    return pinned
