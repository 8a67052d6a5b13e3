"""``voxedge run``: every part made, joined and kept alive.

What may fail fails alone: engines live in worker processes, other parts are restarted with
back-off. Only the session, which holds the voice, takes the process with it; systemd then starts
everything afresh.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.actions import Intent
from voxedge.api.protocol import Status
from voxedge.api.server import ControlServer
from voxedge.compose import open_phrases, open_recent_speech, style_of
from voxedge.config import Settings, changed
from voxedge.errors import VoiceFailed, VoxedgeError
from voxedge.inputs.events import Asked, Trouble
from voxedge.logs import fields
from voxedge.reader.bookshelf import Bookshelf
from voxedge.reader.library import Library
from voxedge.reader.messages import load_messages
from voxedge.reader.own_phrases import OwnPhrases
from voxedge.reader.session import Parts, Session
from voxedge.service.activation import listening_sockets
from voxedge.service.camera_parts import Hands, open_camera
from voxedge.service.engines import Engines, hosted_voice
from voxedge.service.health import CONDITIONS, Announcement, Condition, Urgency
from voxedge.service.hearing_parts import open_hearing
from voxedge.service.inputs import watch_inputs
from voxedge.service.loudspeaker import loudspeaker_here, open_loudspeaker
from voxedge.service.monitor import HealthMonitor
from voxedge.service.notify import Notifier, watchdog_timeout_s
from voxedge.service.pages import WorkerPages
from voxedge.service.phrases import warm_phrases
from voxedge.service.power import turn_off
from voxedge.service.refresh import refresh_networks
from voxedge.service.remembering import Remembering
from voxedge.service.restart import Trouble as PartTrouble
from voxedge.service.sensors import read_snapshot
from voxedge.service.status import health_lines, status_of, troubles_of
from voxedge.service.supervisor import Part, Supervisor
from voxedge.service.watchdog import Progress, Pulse, keep_watchdog
from voxedge.service.workers import Worker
from voxedge.speech.lines import SpeechClass

if TYPE_CHECKING:
    from voxedge.audio.sink import AudioSink
    from voxedge.engines.tts.fallback import VoiceSwitch
    from voxedge.flow import Frame
    from voxedge.speech.phrase_cache import PhraseCache
    from voxedge.testing.file_microphone import FileMicrophone

log = logging.getLogger(__name__)

STALL_LIMIT_S = 90.0
"""The voice may be silent in the middle of speech for as long as its own deadlines last (30 s for
each of two voices), and then some; past it only a new start helps."""

STALL_LOOK_S = 5.0
_LIVE = frozenset({"voice.rate", "voice.volume", "lexicon.file", "reading.language"})
"""Settings that come into force at once; ``buttons`` too."""


@dataclass(frozen=True, slots=True)
class Options:
    """How it is run.

    Attributes:
        settings: read already.
        load_settings: reads them again, on SIGHUP.
        engines: what is hosted.
        state_folder: where library and preferences live.
        socket: of its own, where systemd gave none.
        open_sink: makes the loudspeaker.
        pictures: a folder or a film in place of the camera.
        simulate: no hardware: the keys of the terminal are the buttons.
        microphone: recordings in its place.
    """

    settings: Settings
    load_settings: Callable[[], Settings]
    engines: Engines
    state_folder: Path
    socket: Path
    open_sink: Callable[[], AudioSink]
    pictures: Path | None = None
    simulate: bool = False
    microphone: FileMicrophone | None = None


class Daemon:
    """The reader, from start to end; ``run`` once."""

    def __init__(self, options: Options, notifier: Notifier) -> None:
        self._options = options
        self._settings = options.settings
        self._notifier = notifier
        self._begun_s = time.monotonic()
        self._stop = asyncio.Event()
        self._progress = Progress()
        self._control = ControlServer(self)
        self._voice_name = ""
        self._inputs_changed = asyncio.Event()

    # -- the reader, as the control socket sees it ---------------------------------------

    async def do(self, intent: Intent) -> None:
        """Take up an action; see ``api.server.Reader``."""
        # Under socket activation a message may have waited for longer than we live.
        await self._session.started.wait()
        if self._hearing.tap(intent):
            return
        await self._session.do(intent)

    async def say(self, speech_class: SpeechClass, text: str) -> None:
        """Have a text said."""
        self._session.announce(speech_class, text)

    def status(self) -> Status:
        """Return how the reader is."""
        return status_of(
            self._session.model,
            speaking=self._session.speaking,
            voice=self._voice_name,
            health=health_lines(
                self._monitor.health,
                loudspeaker=self._sink.name if self._has_loudspeaker else None,
                voice=self._voice_worker,
            ),
        )

    # -- life ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Be the reader until SIGTERM or SIGINT.

        Raises:
            VoxedgeError: it could not start, or a vital part failed.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        async with contextlib.AsyncExitStack() as parts:
            self._sink, self._has_loudspeaker = open_loudspeaker(self._options.open_sink)
            parts.push_async_callback(self._sink.close)
            await self._build(parts)
            await self._live(parts)

    async def _build(self, parts: contextlib.AsyncExitStack) -> None:
        options, settings = self._options, self._settings
        options.state_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remembering = Remembering(options.state_folder / "preferences.json")
        engines = options.engines
        self._voice_worker: Worker | None = None
        if engines.voice is not None:
            self._voice_worker = Worker(engines.voice, self._part_failed)
            await parts.enter_async_context(self._voice_worker)
        page_worker = Worker(engines.pages, self._part_failed)
        await parts.enter_async_context(page_worker)
        hosted = hosted_voice(engines, self._voice_worker, self._voice_switched, self._rung_changed)
        voice, self._natural, self._ladder = hosted.voice, hosted.natural, hosted.ladder
        parts.callback(voice.close)
        self._voice_name = voice.name
        self._pages = WorkerPages(page_worker, engines.language_tag, settings.reading.language)
        shelf = Bookshelf(self._open_library)
        parts.push_async_callback(shelf.close)
        self._shelf = shelf
        self._kept_phrases, self._recent = _kept_speech(settings, engines)
        self._phrases = OwnPhrases(self._kept_phrases, self._recent)
        self._monitor = HealthMonitor(
            lambda: read_snapshot(options.state_folder),
            self._announce,
            _conditions(options),
        )
        camera = await open_camera(
            parts,
            settings.camera,
            Hands(
                on_move=lambda move: self._session.guide(move),
                is_heard=lambda: self._session.is_hint_heard,
                on_trouble=self._part_failed,
            ),
            pictures=options.pictures,
            simulate=options.simulate,
        )
        self._session = Session(
            Parts(
                voice=voice,
                sink=self._sink,
                camera=camera,
                pages=self._pages,
                shelf=shelf,
                messages=load_messages(),
                style=lambda language: style_of(self._settings, language),
                cache=self._phrases,
                encode_picture=_picture_encoder(settings),
                use_voice=hosted.use,
            ),
            self._remembering.first_model(settings),
            on_change=self._changed,
            power_off=self._power_off,
            troubles=lambda: troubles_of(self._monitor.health),
        )
        self._hearing = open_hearing(
            settings,
            self._session,
            shelf,
            options.state_folder,
            self._part_failed,
            recordings=options.microphone,
            simulate=options.simulate,
        )
        sockets = listening_sockets()
        if sockets:
            await self._control.start(listening=sockets[0].socket)
        else:
            options.socket.parent.mkdir(parents=True, exist_ok=True)
            await self._control.start(path=options.socket)
        parts.push_async_callback(self._control.close)

    async def _live(self, parts: contextlib.AsyncExitStack) -> None:
        supervisor = Supervisor(self._part_failed)
        supervisor.add(Part("session", self._session.run, vital=True))
        supervisor.add(Part("inputs", self._watch_inputs))
        supervisor.add(Part("health", self._monitor.run))
        supervisor.add(Part("hearing", self._hearing.run))
        supervisor.add(Part("phrases", self._warm_phrases))
        supervisor.add(Part("greeting", self._greet))
        supervisor.add(Part("light networks", self._refresh_networks))
        if not self._has_loudspeaker:
            supervisor.add(Part("loudspeaker", self._await_loudspeaker))
        timeout_s = watchdog_timeout_s()
        if timeout_s is not None:
            pulse = Pulse(self._progress, "voice", STALL_LIMIT_S)
            supervisor.add(Part("stall watch", lambda: self._watch_voice(pulse), vital=True))
            keep = keep_watchdog(self._progress, self._notifier, timeout_s)
            supervisor.add(Part("watchdog", lambda: keep, vital=True))
        living = asyncio.create_task(supervisor.run(), name="supervisor")
        stopping = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait((living, stopping), return_when=asyncio.FIRST_COMPLETED)
            self._notifier.stopping("Stopping")
            if living.done():
                living.result()
        finally:
            stopping.cancel()
            living.cancel()
            await asyncio.gather(living, stopping, return_exceptions=True)
            self._remembering.save()
        self._marker.unlink(missing_ok=True)
        if self._recent is not None:
            # After a crash what was being read comes at once; after an end it is nobody's business.
            self._recent.clear()

    async def _greet(self) -> None:
        """Say that the reader is there, as soon as it can be used."""
        crashed = self._marker.exists()
        self._marker.touch()
        self._session.earcon("ready")
        self._notifier.ready("Ready")
        took_ms = round(1000 * (time.monotonic() - self._begun_s))
        log.info("ready", extra=fields(event="ready", duration_ms=took_ms))
        if self._session.model.new:
            self._session.tell("welcome", SpeechClass.REPLY)
        else:
            self._session.tell("ready_again" if crashed else "ready", SpeechClass.REPLY)
        damaged = await self._shelf.warm_up()
        if damaged is not None:
            self._session.announce(SpeechClass.NOTICE, damaged.speech)

    # -- the parts -----------------------------------------------------------------------

    async def _await_loudspeaker(self) -> None:
        """End once a loudspeaker is there: a new start opens it. Nobody hears us until then."""
        await loudspeaker_here(self._options.open_sink)
        log.warning("a loudspeaker is here; starting again with it")
        self._stop.set()

    def _open_library(self) -> Library:
        library = self._settings.library
        return Library(
            self._options.state_folder / "library.sqlite",
            keep_recent=library.keep_recent,
            limit_mib=library.limit_mib,
        )

    async def _watch_inputs(self) -> None:
        """Watch buttons and keys; begin again where their settings changed."""
        while True:
            self._inputs_changed.clear()
            watching = asyncio.create_task(
                watch_inputs(
                    self._settings.buttons, self._deliver, terminal=self._options.simulate
                ),
                name="fingers",
            )
            changing = asyncio.create_task(self._inputs_changed.wait(), name="input settings")
            try:
                await asyncio.wait((watching, changing), return_when=asyncio.FIRST_COMPLETED)
                if watching.done():
                    watching.result()
            finally:
                changing.cancel()
                watching.cancel()
                await asyncio.gather(watching, changing, return_exceptions=True)

    def _deliver(self, event: Asked | Trouble) -> None:
        if isinstance(event, Asked):
            if not self._hearing.takes(event.intent):
                self._session.press(event.intent)
        elif event.error is not None:
            log.warning("%s: %s", event.source, event.error)
            self._session.announce(SpeechClass.NOTICE, event.error.speech)
        else:
            self._session.tell("button_well", SpeechClass.NOTICE)

    async def _warm_phrases(self) -> None:
        if self._natural is not None and self._voice_worker is not None:
            await warm_phrases(
                self._session,
                self._phrases,
                self._natural,
                self._voice_worker,
                self._kept_phrases,
            )

    async def _refresh_networks(self) -> None:
        if self._kept_phrases is not None and self._voice_worker is not None:
            await refresh_networks(self._kept_phrases.voice, self._voice_worker)

    async def _watch_voice(self, pulse: Pulse) -> None:
        """Beat while the voice has nothing to do or gets on with it."""
        seen = -1
        while True:
            session = self._session
            position = self._sink.position
            waits_for_text = session.model.work is not None
            if not session.speaking or position != seen or waits_for_text:
                pulse.beat()
            seen = position
            await asyncio.sleep(STALL_LOOK_S)

    # -- what the parts tell -------------------------------------------------------------

    def _part_failed(self, trouble: PartTrouble) -> None:
        log.error("%s keeps failing", trouble.part, extra=fields(event="part_failed"))
        self._session.announce(SpeechClass.REPLY, trouble.spoken)

    def _rung_changed(self, spoken_by: str) -> None:
        self._voice_name = spoken_by
        self._changed()

    def _voice_switched(self, switch: VoiceSwitch) -> None:
        ladder = self._ladder if switch.error is None else None
        self._voice_name = switch.spoken_by if ladder is None else ladder.spoken_by
        error = switch.error
        if error is None:
            log.info("the natural voice speaks again")
        elif not isinstance(error, VoiceFailed):
            # A failure that passes is heard as the other voice; one that stays must be told.
            log.warning("%s", error)
            self._session.announce(SpeechClass.NOTICE, error.speech)
        self._changed()

    def _announce(self, announcement: Announcement) -> None:
        alert = announcement.urgency is Urgency.ALERT
        speech_class = SpeechClass.ALERT if alert else SpeechClass.NOTICE
        self._session.announce(speech_class, announcement.text)
        self._changed()

    def _changed(self) -> None:
        if self._control.connections:
            self._control.publish(self.status())
        self._remembering.note(self._session.model, self._settings)
        self._hearing.changed()

    @property
    def _marker(self) -> Path:
        """There while the reader runs: found at a start, the last end was none."""
        return self._options.state_folder / "running"

    async def _power_off(self) -> bool:
        command = self._settings.device.power_off
        if not command:
            self._stop.set()
            return True
        return await turn_off(command)

    # -- SIGHUP --------------------------------------------------------------------------

    def _reload(self) -> None:
        self._notifier.reloading("Reading settings")
        try:
            self._take_settings(self._options.load_settings())
        except VoxedgeError as error:
            log.warning("%s", error)
            self._session.announce(SpeechClass.REPLY, error.speech)
        self._notifier.ready("Ready")

    def _take_settings(self, after: Settings) -> None:
        """Take changed settings and say so.

        Raises:
            VoxedgeError: a file that they name cannot be used; nothing is changed.
        """
        style_of(after, "en")
        before, self._settings = self._settings, after
        names = changed(before, after)
        log.info("settings: %d changed", len(names))
        if not names:
            self._session.tell("settings_same", SpeechClass.REPLY)
            return
        self._session.use(
            rate=after.voice.rate if "voice.rate" in names else None,
            volume=after.voice.volume if "voice.volume" in names else None,
        )
        self._pages.language = after.reading.language
        if any(name.startswith("buttons.") for name in names):
            self._inputs_changed.set()
        live = all(name in _LIVE or name.startswith("buttons.") for name in names)
        spoken = ", ".join(name.replace(".", " ").replace("_", " ") for name in names)
        key = "settings_changed" if live else "settings_later"
        self._session.tell(key, SpeechClass.REPLY, names=spoken)


def _conditions(options: Options) -> tuple[Condition, ...]:
    """Leave out what a simulated reader has not."""
    if not options.simulate:
        return CONDITIONS
    absent = ("no_loudspeaker", "no_camera")
    return tuple(condition for condition in CONDITIONS if condition.name not in absent)


def _picture_encoder(settings: Settings) -> Callable[[Frame], bytes] | None:
    if not settings.library.pictures:
        return None
    from voxedge.engines.ocr.images import jpeg_of

    return jpeg_of


def _kept_speech(
    settings: Settings, engines: Engines
) -> tuple[PhraseCache | None, PhraseCache | None]:
    """The reader's own sentences as sound, which outlive a restart, and what was spoken lately."""
    if engines.facts is None or engines.facts.name != settings.voice.name:
        return None, None
    try:
        return open_phrases(settings), open_recent_speech(settings)
    except VoxedgeError as error:
        log.warning("speech is not kept: %s", error)
        return None, None
