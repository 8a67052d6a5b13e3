"""Parts made from settings: what the command line and the daemon both put together."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.config import Settings
from voxedge.errors import InputUnreadable, VoiceUnknown, VoxedgeError

_log = logging.getLogger(__name__)

RECENT_FOLDER = "recent"
"""Below the runtime directory: sound of what was spoken lately."""

if TYPE_CHECKING:
    from voxedge.audio.sink import AudioSink
    from voxedge.engines.ocr.number_check import NumberCheck
    from voxedge.engines.ocr.trace import Trace
    from voxedge.engines.protocols import PageReader
    from voxedge.engines.tts.fallback import FallbackVoice, VoiceSwitch
    from voxedge.speech.phrase_cache import Origin, PhraseCache
    from voxedge.speech.planner import Style
    from voxedge.text import Lexicon


def open_voice(
    settings: Settings, on_switch: Callable[[VoiceSwitch], None] | None = None
) -> FallbackVoice:
    """Return the natural voice with the formant voice behind it.

    A voice that is missing or damaged is no error here: the formant voice speaks and
    ``on_switch`` is told.

    Raises:
        VoiceUnknown: no manifest knows a voice of that name.
    """
    from voxedge.engines.tts.espeak import EspeakVoice
    from voxedge.engines.tts.fallback import FallbackVoice
    from voxedge.engines.tts.piper_onnx import PiperOnnxVoice, PiperSettings
    from voxedge.models.store import open_voice as open_assets

    natural: PiperOnnxVoice | VoxedgeError
    languages: tuple[str, ...] = ()
    try:
        assets = open_assets(settings.voice.name)
        natural = PiperOnnxVoice(assets, PiperSettings(threads=settings.voice.threads or None))
        languages = (natural.language,)
    except VoiceUnknown:
        raise
    except VoxedgeError as error:
        natural = error
    return FallbackVoice(natural, EspeakVoice(), languages=languages, on_switch=on_switch)


def open_sink(settings: Settings, out: Path | None, rate_hz: int) -> AudioSink:
    """Return the file ``out``, or the loudspeaker of the settings when it is None.

    Raises:
        NoSoundCard, SoundCardUnknown: no such loudspeaker.
        OutputUnwritable, DiskFull: the file cannot be begun.
    """
    if out is not None:
        from voxedge.audio.file import FileSink

        return FileSink(out, rate_hz, volume=settings.voice.volume)
    from voxedge.audio.output import PortAudioSink

    return PortAudioSink(
        settings.audio.device or None,
        latency_ms=settings.audio.latency_ms,
        volume=settings.voice.volume,
    )


def open_reader(trace: Trace | None = None) -> PageReader:
    """Return the page reader, with the second reader of numbers where that is installed.

    Without it every number is doubtful: said to be unchecked, and so marked in JSON.

    Args:
        trace: told of every step, for a report.

    Raises:
        OcrMissing: tesseract is not installed.
    """
    from voxedge.engines.barcode.finder import open_code_finder
    from voxedge.engines.ocr.reader import TesseractReader

    return TesseractReader(numbers=open_number_check(), codes=open_code_finder(), trace=trace)


def open_number_check() -> NumberCheck | None:
    """Return what checks numbers; None, and a line in the log, where it cannot be had."""
    from voxedge.engines.ocr.line_finder import PaddleLineFinder
    from voxedge.engines.ocr.line_reader import PaddleLineReader
    from voxedge.engines.ocr.number_check import NumberCheck
    from voxedge.models.readers import find_finder, find_reader

    def open_finder() -> PaddleLineFinder | None:
        finder = find_finder()
        return None if finder is None else PaddleLineFinder(finder)

    try:
        entry, _ = find_reader(quick=True)
        # Its digest is checked and its network loaded while the first lines are recognised.
        return NumberCheck(
            entry.name,
            lambda: PaddleLineReader(find_reader()[1], entry.name),
            open_finder=open_finder,
        )
    except VoxedgeError as error:
        _log.warning("%s", error)
        return None


def style_of(settings: Settings, language: str) -> Style:
    """Return how text of a language (BCP 47) is said.

    Raises:
        ConfigError: the lexicon has a mistake.
        InputUnreadable: the lexicon cannot be opened.
    """
    from voxedge.speech.planner import Style

    return Style(
        language=language,
        rate=settings.voice.rate,
        lexicon=_lexicon(settings.lexicon.file),
        seed=settings.voice.seed,
    )


def open_phrases(settings: Settings) -> PhraseCache:
    """Return the sound of the device's own phrases in the voice of the settings.

    Raises:
        VoiceUnknown: no manifest knows a voice of that name.
        InputUnreadable: the lexicon cannot be opened.
    """
    from voxedge.models.store import VoiceStore
    from voxedge.speech.phrase_cache import PhraseCache

    return PhraseCache(VoiceStore().phrases_folder(settings.voice.name), _origin(settings))


def open_recent_speech(settings: Settings) -> PhraseCache | None:
    """Return what was spoken lately, text of pages included, as it outlives this process.

    It lies below ``$RUNTIME_DIRECTORY`` or ``$XDG_RUNTIME_DIR``, in memory; None where there is no
    such folder: the sound of a page never gets onto a disk.

    Raises:
        VoiceUnknown: no manifest knows a voice of that name.
        InputUnreadable: the lexicon cannot be opened.
    """
    from voxedge.speech.phrase_cache import PrivacyRefused, open_recent

    own, users = os.environ.get("RUNTIME_DIRECTORY"), os.environ.get("XDG_RUNTIME_DIR")
    if own:
        folder = Path(own.split(":")[0]) / RECENT_FOLDER
    elif users:
        folder = Path(users) / "voxedge" / RECENT_FOLDER
    else:
        return None
    try:
        return open_recent(folder, _origin(settings))
    except PrivacyRefused as error:
        _log.info("%s", error)
        return None


def _origin(settings: Settings) -> Origin:
    """What a voice's sound hangs on besides the text."""
    from voxedge.models.store import VoiceStore
    from voxedge.speech.phrase_cache import Origin

    store, name = VoiceStore(), settings.voice.name
    lexicon = ""
    if settings.lexicon.file:
        content = _lexicon_text(Path(settings.lexicon.file).expanduser())
        lexicon = hashlib.blake2b(content.encode("utf-8"), digest_size=8).hexdigest()
    return Origin(name, store.identity(name), lexicon)


def _lexicon(name: str) -> Lexicon | None:
    from voxedge.text import parse_lexicon

    if not name:
        return None
    path = Path(name).expanduser()
    return parse_lexicon(_lexicon_text(path), str(path))


def _lexicon_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputUnreadable(path=path, reason=str(error)) from error
