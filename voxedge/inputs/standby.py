"""Listening without a button: for the wake phrase in silence, for stop-words while it speaks.

A voice activity detector is the gate: the recogniser sleeps until somebody speaks, and a
conversation is not decoded at all, for nobody calls the device by a long sentence. What sounds like
the wake phrase must be confirmed: the same sound is decoded once more, with every command and every
other word competing. Whether the microphone is open follows from ``mode`` alone; while it is off no
input stream exists.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from voxedge.actions import Action
from voxedge.commands.grammar import BARGE_IN, Grammar, Template, build
from voxedge.commands.language import CommandLanguage
from voxedge.commands.parse import Understood, understand
from voxedge.errors import RecogniserCorrupt, RecogniserFailed, VoxedgeError, WakeWordUnknown
from voxedge.inputs.events import Asked, Deliver, Trouble
from voxedge.inputs.voice import RATE_HZ, Cutter, Ear, Source

SOURCE = "standby"


class Mode(Enum):
    """What is listened for."""

    OFF = "off"
    MUTED = "muted"
    """Soon again: the device speaks, or the talk button is in use. The microphone is closed."""
    WAKE = "wake"
    STOP_WORDS = "stop words"
    """The device speaks: a few words that are harmless when heard in error."""


@dataclass(frozen=True, slots=True)
class StandbySettings:
    """When and how.

    Attributes:
        wake_phrase: "" for none.
        after_speech_s: from the device's last word to an open microphone: rooms ring.
        longest_s: of an utterance that is decoded, with its pre-roll and the silence at its end.
        look_s: how often to look whether the device still speaks; not every end of speech is told.
        retry_s: from a failure to the next try; doubles up to ``retry_most_s``.
        thresholds: action label to least confidence.
    """

    wake_phrase: str = ""
    after_speech_s: float = 0.5
    longest_s: float = 3.0
    look_s: float = 0.25
    retry_s: float = 2.0
    retry_most_s: float = 60.0
    thresholds: Mapping[str, float] = field(default_factory=dict)


def wake_grammar(language: CommandLanguage, phrase: str) -> Grammar:
    """Return the wake phrase against everyday words."""
    return Grammar(language.tag, (Template(Action.TALK, phrase),), {}, language.decoys)


def with_wake_phrase(grammar: Grammar, phrase: str) -> Grammar:
    """Return a grammar in which the wake phrase competes with everything else."""
    return replace(grammar, templates=(*grammar.templates, Template(Action.TALK, phrase)))


class Standby:
    """Lives on the event loop; ``run`` is a long-lived part.

    Args:
        ear: the recogniser, shared with push-to-talk: ``idle`` tells when it is free.
        microphone: makes a source.
        cutter: makes an endpointer.
        mode: what is to be listened for now.
        language: of the commands.
        woken: called when the wake phrase was heard.
        deliver: gets stop-words, and trouble.
        settings: when and how.
    """

    def __init__(
        self,
        ear: Ear,
        microphone: Callable[[], Source],
        cutter: Callable[[], Cutter],
        mode: Callable[[], Mode],
        language: CommandLanguage,
        woken: Callable[[], None],
        deliver: Deliver,
        settings: StandbySettings,
    ) -> None:
        self._ear = ear
        self._microphone = microphone
        self._cutter = cutter
        self._wanted = mode
        self._language = language
        self._woken = woken
        self._deliver = deliver
        self._settings = settings
        self._everything = build(language)
        self._changed = asyncio.Event()
        self._deaf = False
        """The wake phrase cannot be heard."""
        self._in_trouble = False
        self.idle = asyncio.Event()
        """Set while neither ear nor microphone is in use here."""
        self.idle.set()

    def changed(self) -> None:
        """Something changed that ``mode`` may depend on."""
        self._changed.set()

    async def run(self) -> None:
        """Listen whenever it is wanted, until cancelled."""
        delay_s = self._settings.retry_s
        while True:
            mode = await self._until_wanted()
            listening = asyncio.create_task(self._listen(mode), name="standby")
            try:
                await self._while_wanted(mode, listening)
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                self.idle.set()
            error = _failure(listening)
            if error is None:
                delay_s = self._settings.retry_s
                continue
            self._tell(error)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, self._settings.retry_most_s)

    def _mode(self) -> Mode:
        mode = self._wanted()
        return Mode.OFF if mode is Mode.WAKE and self._deaf else mode

    async def _until_wanted(self) -> Mode:
        while True:
            self._changed.clear()
            mode = self._mode()
            if mode is Mode.WAKE:
                await asyncio.sleep(self._settings.after_speech_s)
                mode = self._mode()
            if mode in (Mode.WAKE, Mode.STOP_WORDS):
                return mode
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.look_s if mode is Mode.MUTED else None):
                    await self._changed.wait()

    async def _while_wanted(self, mode: Mode, listening: asyncio.Task[None]) -> None:
        while self._mode() is mode and not listening.done():
            self._changed.clear()
            change = asyncio.create_task(self._changed.wait(), name="standby-change")
            await asyncio.wait((listening, change), return_when=asyncio.FIRST_COMPLETED)
            change.cancel()

    def _tell(self, error: VoxedgeError) -> None:
        self._deaf = self._deaf or isinstance(error, WakeWordUnknown)
        if not self._in_trouble:
            self._in_trouble = True
            self._deliver(Trouble(SOURCE, error))

    # -- one opening of the microphone --------------------------------------------------------

    async def _listen(self, mode: Mode) -> None:
        self.idle.clear()
        grammar = await self._learn(mode)
        cutter, utterance = self._cutter(), _Utterance(self._settings.longest_s)
        source = self._microphone().pieces()
        async with aclosing(source):  # type: ignore[type-var]
            async for piece in source:
                self._in_trouble = False
                if self._mode() is not mode:
                    return  # Speech begins without a change that anybody is told of.
                for edge, samples in cutter.hear(piece):
                    name = None if edge is None else edge.value
                    if name == "start":
                        utterance.begin()
                    utterance.add(samples)
                    if (
                        name == "end"
                        and utterance.short
                        and await self._answered(mode, grammar, utterance)
                    ):
                        return

    async def _learn(self, mode: Mode) -> Grammar:
        if mode is Mode.STOP_WORDS:
            grammar = build(self._language, only=BARGE_IN)
            await self._ear.set_grammar(grammar)
            return grammar
        phrase = self._settings.wake_phrase
        grammar = wake_grammar(self._language, phrase)
        try:
            await self._ear.set_grammar(grammar)
        except (RecogniserFailed, RecogniserCorrupt) as error:
            # Is it the phrase, or the recogniser?
            await self._ear.set_grammar(self._everything)
            reason = "the recogniser does not know its words, or it is too short"
            raise WakeWordUnknown(phrase=phrase, reason=reason) from error
        return grammar

    async def _answered(self, mode: Mode, grammar: Grammar, utterance: _Utterance) -> bool:
        """Decode; return whether the device was called, and another takes the microphone."""
        made = await self._decode(grammar, utterance)
        if made.intent is None:
            return False
        if mode is Mode.STOP_WORDS:
            self._deliver(Asked(made.intent, SOURCE))
            return False
        everything = with_wake_phrase(self._everything, self._settings.wake_phrase)
        await self._ear.set_grammar(everything)
        again = await self._decode(everything, utterance)
        if again.intent is not None and again.intent.action is Action.TALK:
            self._woken()
            return True
        await self._ear.set_grammar(grammar)
        return False

    async def _decode(self, grammar: Grammar, utterance: _Utterance) -> Understood:
        heard = None
        for samples in utterance.pieces:
            early = await self._ear.feed(samples)
            heard = early if early is not None and early.final else heard
        last = await self._ear.finish()
        heard = last if heard is None or last.text else heard
        return understand(
            heard.text, heard.confidence, self._language, grammar, dict(self._settings.thresholds)
        )


class _Utterance:
    """The sound of one utterance, as long as it is short enough to matter."""

    def __init__(self, longest_s: float) -> None:
        self._longest = longest_s * RATE_HZ
        self._size = 0
        self.pieces: list[Any] = []

    def begin(self) -> None:
        self._size, self.pieces = 0, []

    def add(self, samples: Any) -> None:
        self._size += len(samples)
        if self.short:
            self.pieces.append(samples)
        else:
            self.pieces = []

    @property
    def short(self) -> bool:
        return self._size <= self._longest


def _failure(task: asyncio.Task[None]) -> VoxedgeError | None:
    """Return what ended the task; a mistake of ours is raised."""
    if task.cancelled() or (error := task.exception()) is None:
        return None
    if isinstance(error, VoxedgeError):
        return error
    raise error
