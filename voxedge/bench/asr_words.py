"""Recordings of people who say known words that are no commands: the words are made commands.

So an engine can be measured on real speech in a language of which nobody recorded the commands.
The words join the grammar of all commands, leave its decoys, and must be heard in their order; any
other command is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from voxedge.actions import Action
from voxedge.audio.endpoint import Endpointer
from voxedge.audio.sound_file import read_speech
from voxedge.bench.asr_noise import Noise, mixed
from voxedge.bench.asr_stream import Listener
from voxedge.commands.grammar import Grammar, Template
from voxedge.commands.language import CommandLanguage
from voxedge.engines.asr.protocol import Recogniser


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording.

    Attributes:
        path: the file.
        words: what is said in it; () where nothing is to be heard.
    """

    path: Path
    words: tuple[str, ...]


def recorded(text: str) -> Recorded:
    """Return what ``FILE=word,word`` means; ``FILE`` alone is a recording without commands."""
    name, _, words = text.partition("=")
    return Recorded(Path(name), tuple(filter(None, words.split(","))))


def with_words(grammar: Grammar, words: Sequence[str]) -> Grammar:
    """Return the grammar in which each word is a command of its own."""
    templates = (Template(Action.STATUS, word) for word in words)
    decoys = tuple(decoy for decoy in grammar.decoys if decoy not in words)
    return replace(grammar, templates=(*grammar.templates, *templates), decoys=decoys)


def heard_words(
    recording: Recorded,
    engine: Recogniser,
    language: CommandLanguage,
    grammar: Grammar,
    endpointer: Callable[[], Endpointer],
    noises: Sequence[tuple[str, Noise, float]],
) -> list[dict[str, Any]]:
    """Listen to one recording in each noise. Blocking.

    Returns:
        For each noise its name, the ratio, how many words there are, how many were heard in their
        order, and which other commands were taken.
    """
    added = with_words(grammar, recording.words)
    engine.set_grammar(added)
    listener = Listener(engine, language, added, endpointer)
    speech = np.asarray(read_speech(recording.path) / 32768.0, dtype=np.float32)
    rows = []
    for name, noise, snr_db in noises:
        sound = mixed(speech, noise, snr_db, seed=round(snr_db), after_s=1.2)
        left, right, wrong = list(recording.words), 0, []
        for outcome in listener.listen(sound):
            if outcome.intent is None:
                continue
            text = language.fold(outcome.heard.text)
            place = next((n for n, word in enumerate(left) if language.fold(word) == text), None)
            if place is None:
                wrong.append(outcome.heard.text)
            else:
                right, left = right + 1, left[place + 1 :]
        rows.append(
            {
                "recording": recording.path.name,
                "noise": name,
                "snr_db": snr_db,
                "words": len(recording.words),
                "right": right,
                "wrong": wrong,
            }
        )
    return rows
