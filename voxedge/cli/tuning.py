"""What ``voxedge tune-voice`` does; apart, so that other commands need not load it."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.actions import Action
from voxedge.audio.capture import RATE_HZ, Microphone
from voxedge.audio.cleaner import cleaned
from voxedge.audio.earcon_designs import DESIGNS, render
from voxedge.audio.endpoint import Edge, endpointer
from voxedge.audio.microphone_level import CLIPPED_SHARE
from voxedge.audio.sound_file import read_speech
from voxedge.cli.options import load_settings
from voxedge.cli.run import state_folder
from voxedge.commands.grammar import Grammar, build
from voxedge.commands.language import CommandLanguage, load
from voxedge.commands.parse import parse
from voxedge.errors import InputMissing, OutputUnwritable, UsageError
from voxedge.inputs.tuning import Trial, Verdict, changed_thresholds, judge, prompts
from voxedge.service.hearing import WorkerRecogniser, check_recogniser, recogniser_spec
from voxedge.service.tuning import load_thresholds, save_thresholds
from voxedge.service.workers import Worker

if TYPE_CHECKING:
    import numpy.typing as npt

    from voxedge.audio.capture import SoundSource
    from voxedge.config import Settings

    Int16Samples = npt.NDArray[np.int16]

PATIENCE_S = 60.0
SILENCE_S = 6.0
"""Until the first word; then the next phrase is asked for."""


def tune(arguments: argparse.Namespace) -> int:
    """Ask, judge, tell, keep the thresholds."""
    settings = load_settings(arguments)
    language = load(arguments.hearing_language or settings.hearing.language)
    if arguments.times < 1:
        raise UsageError(reason="--times must be at least 1")
    folder = arguments.state or state_folder()
    before = load_thresholds(folder, language.tag)
    trials = asyncio.run(_Tuner(arguments, settings, language).trials())
    # Judged against the product's own thresholds: tuning twice must not be twice as lenient.
    verdicts = judge(trials)
    thresholds = {**_untouched(before, verdicts), **changed_thresholds(verdicts)}
    path = save_thresholds(folder, language.tag, thresholds)
    if arguments.json:
        print(json.dumps({"commands": [_row(v) for v in verdicts], "file": str(path)}, indent=2))
    else:
        print(table(verdicts, trials))
        print(f"Thresholds: {path}. They come into force when the reader starts again.")
    return 0


def _untouched(before: dict[str, float], verdicts: tuple[Verdict, ...]) -> dict[str, float]:
    said = {verdict.action.label for verdict in verdicts}
    return {label: value for label, value in before.items() if label not in said}


def _row(verdict: Verdict) -> dict[str, Any]:
    return {**asdict(verdict), "action": verdict.action.label, "weak": verdict.weak}


def table(verdicts: tuple[Verdict, ...], trials: list[Trial]) -> str:
    """Return the report for people, the weak ones last: that is what is heard last."""
    lines = [f"{'say':<24} {'heard':>8} {'least':>6}  threshold"]
    for verdict in sorted(verdicts, key=lambda v: v.weak):
        change = f"{verdict.before:.2f}"
        if verdict.after != verdict.before:
            change += f" -> {verdict.after:.2f}"
        mark = "  weak" if verdict.weak else ""
        heard = f"{verdict.right} of {verdict.said}"
        lines.append(f"{verdict.phrase:<24} {heard:>8} {verdict.least:>6.2f}  {change}{mark}")
    if any(trial.clipped for trial in trials):
        lines.append("Some of it was too loud: turn the microphone down, or move away from it.")
    return "\n".join(lines)


class _Tuner:
    """Gathers the trials.

    Args:
        arguments: of the command line.
        settings: of the reader.
        language: of the commands.
    """

    def __init__(
        self, arguments: argparse.Namespace, settings: Settings, language: CommandLanguage
    ) -> None:
        self._arguments = arguments
        self._settings = settings
        self._language = language
        self._grammar: Grammar = build(language)

    async def trials(self) -> list[Trial]:
        """Return how each phrase was heard.

        Raises:
            VoxedgeError: no recogniser, no microphone, no recordings.
        """
        arguments, found = self._arguments, []
        # Complaints about what was given come before the recogniser is loaded.
        sounds: AsyncIterator[tuple[Action, str, Int16Samples]] | None = None
        if arguments.wav is not None:
            sounds = _each(await asyncio.to_thread(self._recordings, arguments.wav))
        await asyncio.to_thread(check_recogniser, self._language.tag)
        async with AsyncExitStack() as parts:
            worker = await parts.enter_async_context(Worker(recogniser_spec(self._language.tag)))
            ear = WorkerRecogniser(worker, PATIENCE_S)
            await ear.set_grammar(self._grammar)
            if sounds is None:
                sounds = _asked(parts, self._settings, arguments, tuple(prompts(self._grammar)))
            counts: dict[str, int] = {}
            async for action, phrase, sound in sounds:
                counts[phrase] = counts.get(phrase, 0) + 1
                if arguments.keep is not None:
                    name = f"{phrase.replace(' ', '_')}-{counts[phrase]}.wav"
                    await asyncio.to_thread(_keep, arguments.keep, name, sound)
                found.append(await self._trial(ear, action, phrase, sound))
        return found

    async def _trial(
        self, ear: WorkerRecogniser, action: Action, phrase: str, sound: Int16Samples
    ) -> Trial:
        cutter = endpointer()
        await ear.reset()
        # A second of its own silence behind it, so that the end of speech is found.
        begun = False
        for edge, samples in cutter.hear(np.concatenate([sound, _room(sound)])):
            begun = True
            await ear.feed(samples)
            if edge in (Edge.END, Edge.TOO_LONG):
                break
        clipped = cutter.clipped > CLIPPED_SHARE
        if not begun:
            return Trial(action, phrase, None, 0.0, clipped)
        heard = await ear.finish()
        meant = parse(heard.text, self._language, self._grammar)
        return Trial(action, phrase, meant.action if meant else None, heard.confidence, clipped)

    def _recordings(self, folder: Path) -> list[tuple[Action, str, Int16Samples]]:
        paths, found = sorted(folder.glob("*.wav")), []
        if not paths:
            raise InputMissing(path=folder / "*.wav")
        for path in paths:
            phrase = re.sub(r"[-_]?\d+$", "", path.stem).replace("_", " ")
            meant = parse(phrase, self._language, self._grammar)
            if meant is None:
                raise UsageError(reason=f"{path.name} is not named after a command.")
            found.append((meant.action, phrase, read_speech(path)))
        return found


async def _each(
    sounds: list[tuple[Action, str, Int16Samples]],
) -> AsyncIterator[tuple[Action, str, Int16Samples]]:
    for sound in sounds:
        yield sound


async def _asked(
    parts: AsyncExitStack,
    settings: Settings,
    arguments: argparse.Namespace,
    phrases: tuple[tuple[Action, str], ...],
) -> AsyncIterator[tuple[Action, str, Int16Samples]]:
    """Ask for each phrase aloud and yield what was said."""
    from voxedge.cli.voice import tell_of_switch
    from voxedge.compose import open_sink, open_voice, style_of
    from voxedge.speech.planner import plan_text
    from voxedge.speech.speak import speak_stream

    spec = arguments.microphone or settings.hearing.microphone or None
    microphone = cleaned(Microphone(spec), settings.hearing.cleaner)
    voice = open_voice(settings, tell_of_switch)
    parts.callback(voice.close)
    sink = open_sink(settings, None, voice.rate_hz)
    parts.push_async_callback(sink.close)
    style = style_of(settings, "en")

    async def say(text: str) -> None:
        await speak_stream(plan_text(text, style), voice, sink)

    await say("Say each phrase after the tone.")
    for number in range(len(phrases) * arguments.times):
        action, phrase = phrases[number % len(phrases)]
        print(f"say: {phrase}", flush=True)
        await say(f"{phrase.capitalize()}.")
        yield action, phrase, await _recorded(microphone, lambda: _tone(sink))
    await say("Thank you.")


def _tone(sink: Any) -> None:
    sink.earcon(render(DESIGNS["listen"], sink.rate_hz))


async def _recorded(microphone: SoundSource, tone: Callable[[], None]) -> Int16Samples:
    """Return what is said after the tone, with some silence around it."""
    cutter = endpointer()
    kept: list[Int16Samples] = []
    deaf = round((DESIGNS["listen"].length_ms + 100.0) / 1000.0 * RATE_HZ)
    taken = 0
    async with aclosing(microphone.pieces()) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if not taken:
                tone()
            taken += len(piece)
            if taken <= deaf:
                continue
            kept.append(piece)
            edges = [edge for edge, _ in cutter.hear(piece)]
            patience_ended = not cutter.speaking and taken > deaf + SILENCE_S * RATE_HZ
            if patience_ended or Edge.END in edges or Edge.TOO_LONG in edges:
                break
    return np.concatenate(kept) if kept else np.zeros(0, dtype=np.int16)


def _room(sound: Int16Samples) -> Int16Samples:
    """Return a second of the quietest tenth of a second in it, over and over."""
    size = RATE_HZ // 10
    blocks = [sound[i : i + size] for i in range(0, len(sound) - size + 1, size)]
    if not blocks:
        return np.zeros(RATE_HZ, dtype=np.int16)
    quietest = min(blocks, key=lambda block: float(np.mean(np.square(block.astype(np.float64)))))
    return np.tile(quietest, 10)


def _keep(folder: Path, name: str, sound: Int16Samples) -> None:
    import soundfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(str(folder / name), sound, RATE_HZ)
    except (OSError, soundfile.LibsndfileError) as error:
        raise OutputUnwritable(path=folder / name, reason=type(error).__name__) from error
