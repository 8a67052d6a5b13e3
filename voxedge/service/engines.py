"""Which engines the daemon hosts, and the voice that is put together from them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from voxedge.config import Settings
from voxedge.engines.ocr.languages import bcp47
from voxedge.engines.protocols import Synthesizer
from voxedge.engines.tts.adaptive import AdaptiveVoice
from voxedge.engines.tts.espeak import EspeakVoice
from voxedge.engines.tts.fallback import FallbackVoice, VoiceSwitch
from voxedge.engines.tts.lighter import LighterVoice
from voxedge.engines.tts.quality import Readings
from voxedge.errors import VoxedgeError
from voxedge.models.store import VoiceStore
from voxedge.reader.conversation.effects import VoiceWish
from voxedge.service.hosted import natural_voice_spec, page_reader_spec
from voxedge.service.proxies import WorkerSynthesizer
from voxedge.service.sensors import read_temperature_c, read_throttled
from voxedge.service.workers import Worker, WorkerSpec

_log = logging.getLogger(__name__)

VOICE_PATIENCE_S = 3.0
"""For a voice that is being loaded; after that the simple voice says it."""


@dataclass(frozen=True, slots=True)
class VoiceFacts:
    """What must be known of a voice before its worker is up.

    Attributes:
        name: in the manifest.
        rate_hz: of its samples.
        languages: BCP 47 tags it speaks.
        has_lighter: it has lighter networks for when the box is hot or busy.
    """

    name: str
    rate_hz: int
    languages: tuple[str, ...]
    has_lighter: bool = False


@dataclass(frozen=True, slots=True)
class Engines:
    """How the engines are hosted.

    Attributes:
        voice: the natural voice; None where it is not installed, and ``missing`` tells why.
        facts: of that voice.
        missing: why there is none.
        pages: the page reader.
        language_tag: the page reader's table of languages.
        adaptive: under heat and load the simple voice speaks for the natural one.
    """

    voice: WorkerSpec | None
    facts: VoiceFacts | None
    missing: VoxedgeError | None
    pages: WorkerSpec
    language_tag: Callable[[str], str] = bcp47
    adaptive: bool = True


def real_engines(settings: Settings) -> Engines:
    """Return the engines of the settings. Blocking: looks at the files of the voice."""
    name, threads = settings.voice.name, settings.voice.threads
    try:
        store = VoiceStore()
        status = store.verify(name, quick=True)
        entry = store.entry(name)
        config = json.loads((status.folder / entry.config.name).read_text(encoding="utf-8"))
        rate_hz, languages = int(config["audio"]["sample_rate"]), (entry.language,)
        facts = VoiceFacts(name, rate_hz, languages, store.has_lighter(name))
    except VoxedgeError as error:
        _log.warning("%s", error)
        return Engines(None, None, error, page_reader_spec())
    return Engines(natural_voice_spec(name, threads), facts, None, page_reader_spec())


def fake_engines(ms_per_char: float = 40.0) -> Engines:
    """Return stand-ins without a model, in worker processes like the real ones."""
    package = "voxedge.testing.fake_engines"
    return Engines(
        WorkerSpec(
            "voice", f"{package}:voice", "synthesizer", arguments={"ms_per_char": ms_per_char}
        ),
        VoiceFacts("fake", 22_050, ("en",)),
        None,
        WorkerSpec("page-reader", f"{package}:page_reader", "page_reader", calls_at_once=1),
        adaptive=False,
    )


@dataclass(frozen=True, slots=True)
class HostedVoice:
    """The voice as it is put together.

    Attributes:
        voice: what speaks; falls back by itself.
        natural: the natural voice alone, None where there is none.
        ladder: what chooses by heat and load, None where nothing is to choose from.
        rungs: the rung of the ladder that each wish asks for.
    """

    voice: FallbackVoice
    natural: WorkerSynthesizer | None = None
    ladder: AdaptiveVoice | None = None
    rungs: Mapping[VoiceWish, int] = field(default_factory=dict)

    def use(self, wish: VoiceWish) -> None:
        """Use no better voice than this from the next sentence on."""
        if self.ladder is not None:
            self.ladder.ask_for(self.rungs[wish])


def hosted_voice(
    engines: Engines,
    worker: Worker | None,
    on_switch: Callable[[VoiceSwitch], None],
    on_rung: Callable[[str], None] | None = None,
) -> HostedVoice:
    """Put the voice together: the ladder of the natural one, and its fallback.

    Args:
        engines: what is hosted.
        worker: of the natural voice.
        on_switch: told when the natural voice fails and when it is back.
        on_rung: told of the voice that heat, load or a wish has chosen.
    """
    formant = EspeakVoice()
    if worker is None or engines.facts is None:
        missing = engines.missing or VoxedgeError(reason="there is no voice")
        return HostedVoice(FallbackVoice(missing, formant, on_switch=on_switch))
    facts = engines.facts
    natural = WorkerSynthesizer(worker, facts.name, facts.rate_hz, VOICE_PATIENCE_S)
    if not engines.adaptive:
        voice = FallbackVoice(natural, formant, languages=facts.languages, on_switch=on_switch)
        return HostedVoice(voice, natural)
    middle = [LighterVoice(natural)] if facts.has_lighter else []
    rungs: list[Synthesizer] = [natural, *middle, EspeakVoice()]
    ladder = AdaptiveVoice(rungs, _readings, on_change=on_rung)
    voice = FallbackVoice(ladder, formant, languages=facts.languages, on_switch=on_switch)
    wishes = {
        VoiceWish.NATURAL: 0,
        VoiceWish.LIGHT: len(middle),
        VoiceWish.SIMPLE: len(rungs) - 1,
    }
    return HostedVoice(voice, natural, ladder, wishes)


def _readings() -> Readings:
    """What the voice must know of the box. Its load shows itself in the voice's own pace."""
    return Readings(temperature_c=read_temperature_c(), throttled=read_throttled())
