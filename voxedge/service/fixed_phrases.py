"""Everything the device says of itself that never changes: worth keeping as sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from voxedge import errors
from voxedge.flow import Utterance
from voxedge.phrases import english
from voxedge.reader.messages import load_messages
from voxedge.service.health import CONDITIONS
from voxedge.speech.planner import Style, plan_text

_OF_THE_VOICE = (errors.VoiceMissing, errors.VoiceCorrupt, errors.VoiceFailed)
"""Said by the other voice: "My natural voice is damaged" in the natural voice is a riddle."""


def fixed_phrases() -> tuple[str, ...]:
    """Sentences without a slot: of the reader, of failures, of health, of the help."""
    failures = (
        kind.spoken
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.VoxedgeError)
        and kind not in _OF_THE_VOICE
    )
    health = (text for item in CONDITIONS for text in (item.spoken, item.spoken_over))
    phrases = (*load_messages().fixed, *failures, *health, *english().help.values())
    return tuple(dict.fromkeys(text for text in phrases if text and "{" not in text))


def phrase_utterances(phrases: Iterable[str], style: Style) -> Iterator[Utterance]:
    """The utterances that the device will ask for when it says these sentences.

    Whole, as alerts and replies are said, and planned like a text, as longer ones are; without
    the pause, which is no part of the sound.
    """
    seen: set[Utterance] = set()
    for phrase in phrases:
        whole = Utterance(phrase, style.language, style.kind, style.rate, seed=style.seed)
        for utterance in (whole, *(line.utterance for line in plan_text(phrase, style))):
            utterance = replace(utterance, pause_after_ms=0)
            if utterance not in seen:
                seen.add(utterance)
                yield utterance
