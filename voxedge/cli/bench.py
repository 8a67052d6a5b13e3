"""``voxedge bench WHAT``: figures anybody can repeat, each against a peer or a bar."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from voxedge.cli.options import Subparsers, load_settings
from voxedge.cli.progress import ProgressBar


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("bench", help="measure the voice or the reading")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)

    tts = kinds.add_parser("tts", help="the voice against piper-tts: same voice, text, threads")
    tts.add_argument("--json", action="store_true", help="print one JSON object")
    tts.add_argument("--rounds", type=int, default=5, metavar="N", help="times each sentence")
    tts.add_argument("--voice", metavar="V", help="the voice (see: voxedge models list)")
    tts.set_defaults(run=run_tts)

    startup = kinds.add_parser("startup", help="ways to load the voice, against each other")
    startup.add_argument("--json", action="store_true", help="print one JSON object")
    startup.add_argument("--rounds", type=int, default=5, metavar="N", help="processes of each")
    startup.add_argument("--voice", metavar="V", help="the voice (see: voxedge models list)")
    startup.set_defaults(run=run_startup)

    cache = kinds.add_parser("cache", help="a phrase kept as sound against speaking it")
    cache.add_argument("--json", action="store_true", help="print one JSON object")
    cache.add_argument("--rounds", type=int, default=5, metavar="N", help="times each sentence")
    cache.add_argument("--voice", metavar="V", help="the voice (see: voxedge models list)")
    cache.set_defaults(run=run_cache)

    ocr = kinds.add_parser("ocr", help="reading against plain tesseract, on pictures with truth")
    ocr.add_argument("paths", nargs="*", type=Path, metavar="DIR|IMAGE", help="with X.gt.txt files")
    ocr.add_argument("--json", action="store_true", help="print one JSON object")
    ocr.add_argument("--lang", metavar="L", help="language of all pictures")
    ocr.add_argument("--no-peer", action="store_true", help="leave plain tesseract out")
    ocr.add_argument("--peers", action="store_true", help="RapidOCR alone too, where installed")
    ocr.set_defaults(run=run_ocr)

    asr = kinds.add_parser("asr", help="how well commands are heard: voices, noise, false accepts")
    asr.add_argument("--json", action="store_true", help="print one JSON object")
    asr.add_argument("--lang", default="en", metavar="L", help="language of the commands")
    asr.add_argument("--engine", choices=("best", "pocketsphinx", "vosk"), default="best")
    asr.add_argument(
        "--speakers",
        nargs="+",
        default=["espeak", "flite"],
        metavar="NAME|DIR",
        help="espeak, flite, kokoro (fetched), device, or folders of recordings",
    )
    asr.add_argument("--every", type=int, default=3, metavar="N", help="one phrase in so many")
    asr.add_argument("--offset", type=int, default=0, metavar="N", help="begin with another phrase")
    asr.add_argument(
        "--hours", type=float, default=0.0, metavar="H", help="hours of noise for false accepts"
    )
    asr.add_argument(
        "--wake", type=int, default=0, metavar="MIN", help="minutes without the wake phrase"
    )
    asr.add_argument(
        "--reject", nargs="+", type=Path, default=[], metavar="DIR", help="of no commands"
    )
    asr.add_argument(
        "--words", nargs="+", default=[], metavar="FILE=W,W", help="recordings of known words"
    )
    asr.set_defaults(run=run_asr)

    daemon = kinds.add_parser("daemon", help="the running reader against its bars")
    daemon.add_argument("--json", action="store_true", help="print one JSON object")
    daemon.add_argument("--engines", choices=("real", "fake"), default="real", help="for tests")
    daemon.add_argument("--stops", type=int, default=500, metavar="N", help="stops during speech")
    daemon.add_argument("--presses", type=int, default=200, metavar="N", help="presses, answers")
    daemon.add_argument("--soak", type=int, default=0, metavar="N", help="random actions as well")
    daemon.add_argument("--only", choices=("felt", "process", "soak"), help="a part of it")
    daemon.set_defaults(run=run_daemon)

    camera = kinds.add_parser("camera", help="how soon a camera's fault is told, and its return")
    camera.add_argument("--json", action="store_true", help="print one JSON object")
    camera.add_argument("--engines", choices=("real", "fake"), default="real", help="for tests")
    camera.set_defaults(run=run_camera)

    hearing = kinds.add_parser("hearing", help="what listening costs, and what a cleaner is worth")
    hearing.add_argument("--json", action="store_true", help="print one JSON object")
    hearing.add_argument("--seconds", type=float, default=20.0, metavar="S", help="in each room")
    hearing.add_argument("--cleaner", action="store_true", help="measure the cleaner too: minutes")
    hearing.set_defaults(run=run_hearing)


def run_tts(arguments: argparse.Namespace) -> int:
    """Measure the voice."""
    from voxedge.bench import tts
    from voxedge.models.store import VoiceStore

    name = load_settings(arguments).voice.name
    store = VoiceStore()
    status = store.verify(name)
    bar = ProgressBar()
    shown = 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        if shown == 0:
            bar.start("speaking in turn with piper-tts", total, "sentences")
        bar.advance(done - shown)
        shown = done

    result = tts.run(
        store.open(name),
        status.folder / status.entry.model.name,
        rounds=max(2, arguments.rounds),
        progress=progress,
    )
    bar.finish()
    print(json.dumps(result, indent=2) if arguments.json else tts.table(result))
    return 0


def run_startup(arguments: argparse.Namespace) -> int:
    """Measure the ways to load a voice."""
    from voxedge.bench import startup
    from voxedge.models.store import VoiceStore

    assets = VoiceStore().open(load_settings(arguments).voice.name)
    bar = ProgressBar()
    bar.start("loading in turn", max(1, arguments.rounds) * len(startup.WAYS), "processes")
    result = startup.run(
        assets, rounds=max(1, arguments.rounds), progress=lambda _done, _total: bar.advance(1)
    )
    bar.finish()
    print(json.dumps(result, indent=2) if arguments.json else startup.table(result))
    return 0


def run_cache(arguments: argparse.Namespace) -> int:
    """Measure a cache hit."""
    from voxedge.bench import cache
    from voxedge.models.store import VoiceStore

    assets = VoiceStore().open(load_settings(arguments).voice.name)
    result = cache.run(assets, rounds=max(1, arguments.rounds))
    print(json.dumps(result, indent=2) if arguments.json else cache.table(result))
    return 0


def run_ocr(arguments: argparse.Namespace) -> int:
    """Measure the reading."""
    from voxedge.bench import ocr

    rows = ocr.run(
        arguments.paths or ocr.default_paths(),
        language=arguments.lang,
        peer=not arguments.no_peer,
        peers=arguments.peers,
    )
    print(ocr.as_json(rows) if arguments.json else ocr.report(rows))
    return 0


def run_asr(arguments: argparse.Namespace) -> int:
    """Measure the hearing; the exit code tells whether every bar was met."""
    from voxedge.bench import asr

    plan = asr.Plan(
        language=arguments.lang,
        engine=arguments.engine,
        speakers=tuple(arguments.speakers),
        every=max(1, arguments.every),
        offset=max(0, arguments.offset),
        hours=max(0.0, arguments.hours),
        wake_minutes=max(0, arguments.wake),
        reject=tuple(arguments.reject),
        words=tuple(arguments.words),
    )
    # On one thread, as in the recogniser's worker (service.child). NumPy reads it when it is
    # imported, as it is here already: so in a process of its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        result = pool.submit(asr.run, plan).result()
    print(json.dumps(result, indent=2) if arguments.json else asr.table(result))
    return 0 if all(bar["met"] for bar in result["bars"]) else 1


def run_daemon(arguments: argparse.Namespace) -> int:
    """Measure the running reader; the exit code tells whether every bar was met."""
    from voxedge.bench.running import report

    result = report.run(
        engines=arguments.engines,
        stops=max(1, arguments.stops),
        presses=max(4, arguments.presses),
        soak_actions=arguments.soak,
        only=arguments.only,
        progress=ProgressBar(),
    )
    print(report.as_json(result) if arguments.json else report.table(result))
    return 0 if all(bar["met"] for bar in result["bars"]) else 1


def run_camera(arguments: argparse.Namespace) -> int:
    """Let a camera fail in every way; the exit code tells whether every bar was met."""
    from voxedge.bench import camera

    result = camera.run(engines=arguments.engines, progress=ProgressBar())
    print(camera.as_json(result) if arguments.json else camera.table(result))
    return 0 if all(bar["met"] for bar in result["bars"]) else 1


def run_hearing(arguments: argparse.Namespace) -> int:
    """Measure an open microphone; the exit code tells whether every bar was met."""
    from voxedge.bench import hearing_idle

    rooms = hearing_idle.idle(max(1.0, arguments.seconds))
    result = {"idle": rooms, "bars": hearing_idle.bars_of(rooms)}
    if arguments.cleaner:
        result["cleaners"] = hearing_idle.cleaners()
    print(json.dumps(result, indent=2) if arguments.json else hearing_idle.table(result))
    return 0 if all(bar["met"] for bar in result["bars"]) else 1
