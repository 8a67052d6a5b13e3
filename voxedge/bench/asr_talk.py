"""What people say in a room when they do not speak to the device; the same seed, the same words.

A conversation, a radio, a telephone call: short answers, whole sentences, and many that hold a
command's words in other company ("stop at the shop on the next page of the map").
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.bench.asr_speakers import speakers_of
from voxedge.engines.asr.protocol import RATE_HZ

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatSamples = npt.NDArray[np.float32]

_SHORT = (
    "yes I think so", "no not today", "oh really", "I do not know", "that is fine",
    "just a minute", "what did you say", "never mind", "all right then", "see you later",
    "good morning", "how is it", "thank you very much", "not at all", "where are my glasses",
    "who was that", "come in please", "is it raining", "it is on the table", "mind the step",
    "have you eaten", "of course", "wait for me", "that was lovely", "I am not sure",
    "maybe tomorrow", "what a pity", "let me see", "so I told him", "it was on the news",
    "the kettle is on", "two sugars please", "is that the door", "hold on a second",
    "you can say that again", "I cannot find my keys", "turn the radio off",
    "what time is the train", "close the door behind you", "shut the window", "she said no",
    "stop it you two", "read it to me later", "it is a new one", "the last one was better",
    "help yourself to cake", "keep the change", "back in five minutes",
)  # fmt: skip
_WHO = (
    "my sister", "the doctor", "our neighbour", "the man from the council", "your mother",
    "the nurse", "everybody", "the children", "uncle Robert", "the woman next door",
    "a friend of mine", "the plumber", "the driver", "the new teacher", "Margaret",
    "the government", "the whole team", "nobody",
)  # fmt: skip
_DID = (
    "told me about", "wants to see", "forgot to bring", "was looking for", "has already paid for",
    "left without", "keeps talking about", "never liked", "is going to fetch", "put away",
    "asked for", "opened the box with", "had to stop because of", "read something about",
    "will come back for", "found a place for", "turned up with", "said no to", "is waiting for",
    "saved up for",
)  # fmt: skip
_WHAT = (
    "the garden chairs", "a cup of coffee", "the next bus to town",
    "the second page of the letter", "an apple and some cheese", "the football last night",
    "the weather in Scotland", "a new pair of shoes", "the bill for the telephone",
    "the dog and the cat", "that old song", "the price of potatoes", "all the windows upstairs",
    "the end of the story", "the library books", "the loud music", "a place at the table",
    "the water in the kitchen", "the sentence he had to serve", "the tablets from the chemist",
    "the beginning of the holidays", "a quiet evening at home", "the shopping list",
    "the doctor's letter",
)  # fmt: skip
_WHEN = (
    "on Monday", "last week", "before breakfast", "in the afternoon", "when it rained",
    "again and again", "on the way home", "by the end of March", "at half past nine",
    "for the third time", "after the news", "as usual", "in the summer", "while we were away",
    "just now", "twenty years ago", "", "", "",
)  # fmt: skip
_THEN = (
    "and then it started to rain", "but nobody listened", "so we went home",
    "and I could not help laughing", "which was a surprise", "because the shop was closed",
    "and that was the last of it", "if you ask me", "and they had to start over in the spring",
    "you know what I mean", "or so she says", "", "", "", "", "",
)  # fmt: skip


def sentences(seed: int) -> Iterator[str]:
    """Yield sentences for ever; one in four is short."""
    choose = random.Random(seed).choice
    chance = random.Random(seed + 1).random
    while True:
        if chance() < 0.25:
            yield choose(_SHORT)
            continue
        parts = (choose(_WHO), choose(_DID), choose(_WHAT), choose(_WHEN), choose(_THEN))
        yield " ".join(part for part in parts if part)


TALKERS = ("espeak", "flite")
"""Families of voices that talk; they are quick."""


def talk_pieces(language: str, seed: int, cache: Path | None) -> Iterator[FloatSamples]:
    """Yield one sentence after the other, ``float32`` ``[n]``, 16 kHz, each by another voice.

    Only voices that are held out talk. Languages other than English have no sentences here:
    English ones are spoken with their voices, which is foreign speech to every grammar.
    """
    voices = [s for s in speakers_of(TALKERS, language, cache)[0] if s.held_out]
    for number, sentence in enumerate(sentences(seed)):
        yield voices[(seed + number) % len(voices)].say(sentence)


def talk_of(language: str, seconds: float, cache: Path | None, seed: int) -> FloatSamples:
    """Return so much talk without pauses, ``float32`` ``[n]``, every voice equally loud."""
    pieces: list[FloatSamples] = []
    have = 0.0
    for piece in talk_pieces(language, seed, cache):
        pieces.append(piece / (float(np.sqrt(np.mean(np.square(piece)))) + 1e-9))
        have += len(piece) / RATE_HZ
        if have >= seconds:
            break
    return np.concatenate(pieces)
