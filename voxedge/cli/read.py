"""``voxedge read IMAGE...``: pictures in, speech out."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.cli.options import Subparsers, add_voice_options, load_settings
from voxedge.cli.voice import tell_of_switch
from voxedge.compose import open_reader, open_sink, open_voice, style_of
from voxedge.config import Settings
from voxedge.document.label import label_of, label_to_json
from voxedge.document.serde import to_json
from voxedge.engines.ocr.images import load_frame
from voxedge.errors import NoSoundCard, SoundCardUnknown, VoxedgeError
from voxedge.reader.aloud import label_sentences, read_aloud, read_silently
from voxedge.reader.pages import PageFailed, PageFeed, PagesRead, Part
from voxedge.speech.speak import SpeechReport

if TYPE_CHECKING:
    from voxedge.flow import Frame
    from voxedge.report.collect import Collected


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "read",
        help="read photographed pages aloud",
        description="Read photographed pages aloud. The text goes to standard output while it is "
        "being read. With --json one JSON object is printed instead, and only --out is spoken to.",
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", type=Path, help="pictures of pages")
    parser.add_argument("--lang", metavar="L", help="language of the page (default eng)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--silent", action="store_true", help="print the text, do not speak")
    parser.add_argument(
        "--debug",
        metavar="DIR",
        type=Path,
        dest="report",
        help="write pictures of every step and a page of HTML; they hold what was read",
    )
    add_voice_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read, speak, print; the first page's failure gives the exit code, the others are read."""
    settings = load_settings(arguments)
    session = _Session(settings, arguments)
    pages, speech = asyncio.run(session.run())
    if arguments.json:
        print(json.dumps(_as_json(pages, speech), ensure_ascii=False, indent=2))
    else:
        _print_timings(pages, speech)
    failures: list[VoxedgeError] = [failed.error for failed in pages.failures]
    if session.collected is not None:
        _write_report(arguments.report, session.collected, pages, speech)
    if session.no_loudspeaker is not None:
        failures.append(session.no_loudspeaker)
    # The last one is told by ``main``, with its exit code; a page's code wins over the speaker's.
    for failure in failures[1:]:
        print(f"voxedge: {failure}", file=sys.stderr)
    if failures:
        raise failures[0]
    return 0


class _Session:
    def __init__(self, settings: Settings, arguments: argparse.Namespace) -> None:
        self._settings = settings
        self._out: Path | None = arguments.out
        self._mute = arguments.silent or (arguments.json and arguments.out is None)
        self._print_text = not arguments.json
        self.collected = _collected() if arguments.report is not None else None
        reader = open_reader(self.collected)
        self._language = reader.language_tag(settings.reading.language)
        self._feed = PageFeed(arguments.images, self._load, reader, settings.reading.language)
        self.no_loudspeaker: VoxedgeError | None = None

    async def run(self) -> tuple[PagesRead, SpeechReport | None]:
        if self._mute:
            return await read_silently(self._feed, on_part=self._show), None
        voice = open_voice(self._settings, tell_of_switch)
        try:
            try:
                sink = open_sink(self._settings, self._out, voice.rate_hz)
            except (NoSoundCard, SoundCardUnknown) as error:
                # The text is still worth printing: nothing is lost.
                self.no_loudspeaker = error
                return await read_silently(self._feed, on_part=self._show), None
            # The voice loads while the first lines are being recognised.
            warming = asyncio.create_task(voice.warm_up(), name="warm-up")
            try:
                outcome = await read_aloud(
                    self._feed,
                    voice,
                    sink,
                    style_of(self._settings, self._language),
                    on_part=self._show,
                    speak_failures=self._out is None,
                )
            finally:
                warming.cancel()
                await sink.close()
            return outcome.pages, outcome.speech
        finally:
            voice.close()

    def _load(self, path: Path) -> Frame:
        frame = load_frame(path)
        if self.collected is not None:
            self.collected.took(frame)
        return frame

    def _show(self, part: Part) -> None:
        if not self._print_text or isinstance(part, PageFailed):
            return
        paragraphs = [
            paragraph.text for section in part.sections for paragraph in section.paragraphs
        ]
        if told := label_sentences(part, self._language):
            paragraphs.insert(0, " ".join(told))
        try:
            print("\n\n".join(paragraphs), end="\n\n", flush=True)
        except BrokenPipeError:
            # Whoever read our text has seen enough (`| head`); whoever listens has not.
            self._print_text = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _collected() -> Collected:
    from voxedge.report.collect import Collected

    return Collected()


def _write_report(
    folder: Path, collected: Collected, pages: PagesRead, speech: SpeechReport | None
) -> None:
    from voxedge.report.write import Run, write_report

    failures = tuple(str(failed.error) for failed in pages.failures)
    timings_ms = {"read": pages.read_ms}
    if pages.first_section_ms is not None:
        timings_ms["first_section"] = pages.first_section_ms
    if speech is not None and speech.first_audio_ms is not None:
        timings_ms["first_audio"] = speech.first_audio_ms
    path = write_report(folder, collected, Run(pages.document, failures, timings_ms))
    print(f"[how it was read: {path}]", file=sys.stderr)


def _as_json(pages: PagesRead, speech: SpeechReport | None) -> dict[str, object]:
    """The documented object; with nothing read, the same keys and nothing in them."""
    timings_ms: dict[str, float] = {"read": round(pages.read_ms, 1)}
    if pages.first_section_ms is not None:
        timings_ms["first_section"] = round(pages.first_section_ms, 1)
    if speech is not None and speech.first_audio_ms is not None:
        timings_ms["first_audio"] = round(speech.first_audio_ms, 1)
    if pages.document is None:
        lists: dict[str, object] = {"pages": [], "label": None, "sections": [], "numbers": []}
        return {"text": "", "language": "", "engine": "", **lists, "timings_ms": timings_ms}
    today = datetime.datetime.now().astimezone().date()
    label = label_to_json(label_of(pages.document, today))
    return {**to_json(pages.document), "label": label, "timings_ms": timings_ms}


def _print_timings(pages: PagesRead, speech: SpeechReport | None) -> None:
    if pages.document is None:
        return
    parts = []
    if speech is not None and speech.first_audio_ms is not None:
        parts.append(f"first sound after {speech.first_audio_ms / 1000:.1f} s")
    words = len(pages.document.text.split())
    parts.append(f"{words} words read in {pages.read_ms / 1000:.1f} s")
    if speech is not None:
        parts.append(f"{speech.audio_ms / 1000:.0f} s of speech")
    print(f"[{', '.join(parts)}]", file=sys.stderr)
