"""How well commands are heard: by voice and noise, false accepts, speed, a worker that dies.

The sound goes the way it goes after a tap of TALK: endpointer, recogniser, grammar, thresholds
(``asr_stream``). Who speaks is told in ``asr_speakers``, what else sounds in ``asr_noise``, what
people say that is no command in ``asr_talk``. Each speaker says other phrases than the next, so
that few clips cover all of them.
"""

from __future__ import annotations

import random
import statistics
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxedge.actions import SlotKind
from voxedge.audio.endpoint import Endpointer, energy_probability, silero_probability
from voxedge.audio.sound_file import read_speech
from voxedge.bench.asr_noise import CLEAN_DB, EDGE_S, Noise, babble_of, kitchen, mixed, white
from voxedge.bench.asr_rejects import FalseAccepts, false_accepts
from voxedge.bench.asr_speakers import Speaker, speakers_of
from voxedge.bench.asr_stream import Listener
from voxedge.bench.asr_talk import talk_of
from voxedge.bench.asr_wake import false_wakes, true_wakes
from voxedge.bench.asr_words import heard_words, recorded
from voxedge.bench.asr_worker import recovery
from voxedge.commands.grammar import Grammar, build
from voxedge.commands.language import CommandLanguage, kind_of, load
from voxedge.commands.parse import parse
from voxedge.engines.asr.hosted import open_recogniser
from voxedge.engines.asr.protocol import RATE_HZ, Recogniser
from voxedge.engines.asr.sphinx_engine import SphinxRecogniser
from voxedge.errors import RecogniserMissing, VoxedgeError

SNR_DB = (CLEAN_DB, 20.0, 10.0, 5.0)
QUIET_DB = 20.0
"""From here on a room counts as quiet."""

NOISES = ("white", "babble", "kitchen")
VALUES_A_SLOT = 4
"""Of each template with a slot, so many values are said."""

_LEAST_RIGHT = 0.90
_LONGEST_WAIT_MS = 300.0
_FALSE_AN_HOUR = 1.0
_LONGEST_RECOVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        language: of the commands.
        engine: "best" of those installed, "pocketsphinx" (alone) or "vosk".
        speakers: names of families of voices, or folders of recordings.
        every: each speaker says one phrase in so many.
        offset: of the first one: another, other phrases.
        wake_minutes: of each room in which nobody says the wake phrase.
        hours: of noise and speech in which nothing is a command.
        reject: folders in which nothing is a command.
        words: recordings of known words, ``FILE=word,word`` (``asr_words``).
    """

    language: str = "en"
    engine: str = "best"
    speakers: tuple[str, ...] = ("espeak", "flite")
    every: int = 3
    offset: int = 0
    hours: float = 0.0
    wake_minutes: int = 0
    reject: tuple[Path, ...] = ()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """One command in one noise.

    Attributes:
        speaker: who said it.
        held_out: nothing was tuned on the speaker.
        noise: what else sounded.
        snr_db: at which ratio.
        phrase: what was said.
        made: "right", "wrong" (another action) or "none".
        heard: the recogniser's words.
        wait_ms: from the end of speech to the action; None where none was taken.
    """

    speaker: str
    held_out: bool
    noise: str
    snr_db: float
    phrase: str
    made: str
    heard: str
    wait_ms: float | None


def run(plan: Plan, cache: Path | None = None) -> dict[str, Any]:
    """Measure. Blocking; a minute of CPU for some 250 trials.

    Returns:
        ``trials``, ``accuracy`` (rows of speaker, noise, ratio), ``wait_ms``,
        ``real_time_factor``, ``false_accepts``, ``recovery`` and ``bars``.

    Raises:
        UsageError: a speaker is unknown.
        RecogniserMissing, RecogniserCorrupt: the engine cannot be opened.
    """
    language = load(plan.language)
    grammar = build(language)
    engine = _open(plan.engine, language.tag)
    try:
        left_out = engine.set_grammar(grammar)
        if isinstance(engine, SphinxRecogniser):
            engine.wait_for_second()
        declined = engine.declined(grammar)
        listener = Listener(engine, language, grammar, _endpointer)
        speakers, skipped = speakers_of(plan.speakers, language.tag, cache)
        phrases = [p for p in said_phrases(grammar) if p not in declined]
        speakers = _able(speakers, phrases, plan, skipped)
        trials = list(_trials(plan, phrases, speakers, listener, language, grammar, cache))
        words = [row for text in plan.words for row in _words(text, engine, language, grammar)]
        engine.set_grammar(grammar)
        heard_s, spent_s = listener.heard_s, listener.cpu_s
        rejects = [
            *_recordings(plan.reject, listener),
            *(false_accepts(listener, language.tag, plan.hours, cache) if plan.hours else ()),
        ]
        wakes = _wakes(plan, engine, language, speakers, cache) if plan.wake_minutes else None
    finally:
        engine.close()
    result: dict[str, Any] = {
        "engine": engine.name,
        "language": language.tag,
        "left_out": left_out,
        "declined": declined,
        "skipped": skipped,
        "accuracy": accuracy(trials),
        "failures": [
            {"speaker": t.speaker, "noise": t.noise, "snr_db": t.snr_db, "said": t.phrase,
             "made": t.made, "heard": t.heard}
            for t in trials if t.made != "right"
        ],
        "wait_ms": waits(trials),
        "real_time_factor": round(spent_s / heard_s, 3) if heard_s else None,
        "false_accepts": [row.as_json() for row in rejects],
        "wakes": wakes,
        "words": words,
        "recovery": recovery(language.tag) if plan.engine == "best" else None,
    }  # fmt: skip
    return {**result, "bars": bars(result)}


def _open(name: str, language: str) -> Recogniser:
    if name == "best":
        return open_recogniser(language)
    if name == "vosk":
        from voxedge.engines.asr.vosk_engine import open_vosk

        return open_vosk(language)
    if language != "en":
        raise RecogniserMissing(language=language, reason="pocketsphinx hears English only")
    return SphinxRecogniser()


def _endpointer() -> Endpointer:
    try:
        return Endpointer(silero_probability())
    except RecogniserMissing:
        return Endpointer(energy_probability())


# -- commands --------------------------------------------------------------------------------------


def said_phrases(grammar: Grammar) -> list[str]:
    """Return every phrase without slots and some of each with one, in a fixed random order."""
    phrases: list[str] = []
    for template in grammar.templates:
        kinds: list[SlotKind] = [kind_of(template.action, name) for name in template.slots]
        if not kinds:
            phrases.append(template.phrase)
            continue
        values = grammar.values.get(kinds[0], ())
        count = min(VALUES_A_SLOT, len(values))
        for index in range(count):
            value = values[(index * len(values) // count + len(phrases)) % len(values)]
            phrases.append(template.phrase.replace("{" + template.slots[0] + "}", value))
    random.Random(7).shuffle(phrases)
    return phrases


def phrases_of(
    speaker: Speaker, phrases: Sequence[str], every: int, offset: int = 0
) -> Sequence[str]:
    """Return what a speaker says: another share of the phrases than the next one."""
    if speaker.phrases is not None:
        return speaker.phrases
    return phrases[(zlib.crc32(speaker.name.encode()) + offset) % every :: every]


def _able(
    speakers: Sequence[Speaker], phrases: Sequence[str], plan: Plan, skipped: dict[str, str]
) -> list[Speaker]:
    """Return the speakers that say their phrases, which are kept; note why others do not."""
    able = []
    for speaker in speakers:
        try:
            for phrase in phrases_of(speaker, phrases, plan.every, plan.offset):
                speaker.say(phrase)
        except VoxedgeError as error:
            skipped[speaker.name] = str(error)
        else:
            able.append(speaker)
    return able


def _trials(
    plan: Plan,
    phrases: Sequence[str],
    speakers: Sequence[Speaker],
    listener: Listener,
    language: CommandLanguage,
    grammar: Grammar,
    cache: Path | None,
) -> Iterator[Trial]:
    noises: dict[str, Noise] = {"white": white, "kitchen": kitchen}
    noises["babble"] = babble_of(talk_of(language.tag, 60.0, cache, seed=11))
    for speaker in speakers:
        for index, phrase in enumerate(phrases_of(speaker, phrases, plan.every, plan.offset)):
            speech = speaker.say(phrase)
            wanted = parse(phrase, language, grammar)
            end_ms = 1000 * (EDGE_S + len(speech) / RATE_HZ)
            for turn, snr_db in enumerate(SNR_DB):
                # The noises take turns, so that each ratio meets all of them.
                noise = NOISES[(index + turn) % len(NOISES)]
                seed = zlib.crc32(f"{speaker.name}{phrase}{snr_db}".encode())
                sound = mixed(speech, noises[noise], snr_db, seed, after_s=1.2)
                outcomes = list(listener.listen(sound))
                taken = [o for o in outcomes if o.intent is not None]
                made = "none" if not taken else "wrong"
                if len(taken) == 1 and taken[0].intent == wanted:
                    made = "right"
                yield Trial(
                    speaker.name,
                    speaker.held_out,
                    "clean" if snr_db == CLEAN_DB else noise,
                    snr_db,
                    phrase,
                    made,
                    " / ".join(o.heard.text for o in outcomes),
                    taken[0].at_ms - end_ms if taken else None,
                )


def accuracy(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return the share that was right and wrong, by speaker and by noise, at each ratio."""
    kinds: tuple[tuple[str, Callable[[Trial], str]], ...] = (
        ("speaker", lambda t: t.speaker),
        ("noise", lambda t: t.noise),
        ("half", lambda t: "held out" if t.held_out else "tuned on"),
        ("all", lambda t: "all"),
    )
    rows = []
    for kind, name in kinds:
        for key in dict.fromkeys((name(t), t.snr_db) for t in trials):
            made = [t.made for t in trials if (name(t), t.snr_db) == key]
            rows.append(
                {
                    "by": kind,
                    "name": key[0],
                    "snr_db": key[1],
                    "trials": len(made),
                    "right": round(made.count("right") / len(made), 3),
                    "wrong": round(made.count("wrong") / len(made), 3),
                }
            )
    return rows


def waits(trials: Sequence[Trial]) -> dict[str, dict[str, float] | None]:
    """Return median and 95th percentile of the waits, in rooms as quiet as 20 dB and in others."""
    kept = [(t.snr_db >= QUIET_DB, t.wait_ms) for t in trials if t.wait_ms is not None]
    return {
        "quiet": percentiles([wait_ms for quiet, wait_ms in kept if quiet]),
        "noisy": percentiles([wait_ms for quiet, wait_ms in kept if not quiet]),
    }


def _words(
    text: str, engine: Recogniser, language: CommandLanguage, grammar: Grammar
) -> list[dict[str, Any]]:
    noises: list[tuple[str, Noise, float]] = [("clean", white, CLEAN_DB)]
    noises += [
        (name, noise, snr_db)
        for snr_db in SNR_DB[1:]
        for name, noise in (("white", white), ("kitchen", kitchen))
    ]
    return heard_words(recorded(text), engine, language, grammar, _endpointer, noises)


def _wakes(
    plan: Plan,
    engine: Recogniser,
    language: CommandLanguage,
    speakers: Sequence[Speaker],
    cache: Path | None,
) -> dict[str, Any]:
    return {
        "true": true_wakes(engine, language, speakers),
        "false": false_wakes(engine, language, plan.wake_minutes, cache),
    }


def _recordings(folders: Sequence[Path], listener: Listener) -> Iterator[FalseAccepts]:
    for folder in folders:
        sounds = [read_speech(path) for path in sorted(folder.rglob("*.wav"))]
        yield FalseAccepts.count(f"recordings {folder.name}", listener, sounds)


def percentiles(values: Sequence[float]) -> dict[str, float] | None:
    """Return median and 95th percentile; None for fewer than two values."""
    if len(values) < 2:
        return None
    return {
        "median": round(statistics.median(values), 1),
        "p95": round(statistics.quantiles(values, n=20)[-1], 1),
    }


# -- what is printed -------------------------------------------------------------------------------


def bars(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each bar with its figure and whether it is met; what was not measured is left out."""
    found: list[dict[str, Any]] = []

    def bar(name: str, value: float, limit: float, least: bool = False) -> None:
        met = value >= limit if least else value <= limit
        found.append({"name": name, "value": value, "limit": limit, "met": met})

    for half in ("held out", "tuned on"):
        for row in result["accuracy"]:
            if (row["by"], row["name"], row["snr_db"]) == ("half", half, 20.0):
                bar(f"right at 20 dB, speakers {half}", row["right"], _LEAST_RIGHT, least=True)
    if result["wait_ms"]["quiet"]:
        wait_ms = result["wait_ms"]["quiet"]["p95"]
        bar(
            f"end of speech to action, {QUIET_DB:.0f} dB or better, ms, p95",
            wait_ms,
            _LONGEST_WAIT_MS,
        )
    for row in result["false_accepts"]:
        if row["name"].startswith("recordings"):
            bar(f"false accepts, {row['name']}", row["accepted"], 0)
        elif row["name"].startswith("push"):
            bar(f"false accepts an hour, {row['name']}", row["an_hour"], _FALSE_AN_HOUR)
    for row in (result["wakes"] or {}).get("false", ()):
        bar(f"false wake-ups an hour, {row['room']}", row["an_hour"], _FALSE_AN_HOUR)
    if result["recovery"]:
        bar("worker killed, s until it hears", result["recovery"]["back_s"], _LONGEST_RECOVERY_S)
    return found


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    head = f"{'':28}" + "".join(
        f"{'clean' if snr == CLEAN_DB else f'{snr:.0f} dB':>9}" for snr in SNR_DB
    )
    lines = [f"{result['engine']} ({result['language']}), % of commands right (wrong)", head]
    rows: dict[str, dict[float, str]] = {}
    for row in result["accuracy"]:
        cell = f"{100 * row['right']:.0f} ({100 * row['wrong']:.0f})"
        rows.setdefault(row["name"], {})[row["snr_db"]] = cell
    lines += [
        f"{name:28}" + "".join(f"{cells.get(snr, ''):>9}" for snr in SNR_DB)
        for name, cells in rows.items()
    ]
    if result["declined"]:
        lines.append(f"not listened for: {', '.join(result['declined'])}")
    lines += [f"not measured: {name}: {why}" for name, why in result["skipped"].items()]
    lines += [
        f"end of speech to action, {room}: median {wait['median']:.0f} ms, "
        f"95th percentile {wait['p95']:.0f} ms"
        for room, wait in result["wait_ms"].items()
        if wait
    ]
    lines.append(f"real-time factor {result['real_time_factor']}")
    lines += [
        f"{row['name']}: {row['accepted']} accepted of {row['utterances']} utterances in "
        f"{row['seconds'] / 3600:.2f} h: {row['an_hour']:.2f} an hour"
        for row in result["false_accepts"]
    ]
    if result["wakes"]:
        called = result["wakes"]["true"]
        lines.append(f"wake phrase: {called['woken']} of {called['speakers']} speakers woke it")
        lines += [
            f"wake phrase, {row['room']}: {row['woken']} times in {row['seconds'] / 60:.0f} minutes"
            for row in result["wakes"]["false"]
        ]
    lines += [
        f"{row['recording']}, {row['noise']} {row['snr_db']:.0f} dB: "
        f"{row['right']} of {row['words']} words right, {len(row['wrong'])} wrong"
        for row in result["words"]
    ]
    for item in result["bars"]:
        verdict = "met" if item["met"] else "NOT MET"
        lines.append(f"{item['name']}: {item['value']:g} (bar {item['limit']:g}): {verdict}")
    return "\n".join(lines)
