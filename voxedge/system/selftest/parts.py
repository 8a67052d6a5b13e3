"""The parts that the self-test tries: those of the box, and ``--simulate``'s."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voxedge.config import Settings
from voxedge.errors import VoxedgeError
from voxedge.inputs.pins import Contacts, open_factory
from voxedge.service.sensors import read_snapshot
from voxedge.system.selftest.ports import OnEdge, Parts

if TYPE_CHECKING:
    from gpiozero.pins import Factory

    from voxedge.audio.sink import AudioSink
    from voxedge.engines.protocols import Synthesizer
    from voxedge.engines.tts.fallback import VoiceSwitch
    from voxedge.reader.guided import View

log = logging.getLogger(__name__)

FILE_RATE_HZ = 22_050
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")


class VoiceSpeaker:
    """A ``Speaker``: the box's own voice, or as much of it as there is.

    Args:
        voice: natural with formant behind it; None where not even that one is there.
        sink: the loudspeaker; None where there is none.
        settings: how it speaks.
        trouble: why one of them is missing.
        tell: prints what is said.
    """

    def __init__(
        self,
        voice: Synthesizer | None,
        sink: AudioSink | None,
        settings: Settings,
        trouble: str,
        tell: Callable[[str], None],
    ) -> None:
        self._voice = voice
        self._sink = sink
        self._settings = settings
        self._tell = tell
        self.trouble = trouble
        self.voice = ""

    @property
    def loudspeaker(self) -> str:
        """The sound card's name."""
        return self._sink.name if self._sink is not None else ""

    @property
    def underruns(self) -> int:
        """Times the sound broke off."""
        return self._sink.underruns if self._sink is not None else 0

    def switched(self, switch: VoiceSwitch) -> None:
        """Note that another voice speaks; called by the voice."""
        self.voice = switch.spoken_by
        if switch.error is not None:
            self.trouble = str(switch.error)

    async def say(self, text: str, volume: float | None = None) -> None:
        """Say a text; what fails is noted as trouble, and printed text stays."""
        from voxedge.compose import style_of
        from voxedge.speech.planner import plan_text
        from voxedge.speech.speak import speak_stream

        self._tell(text)
        if self._voice is None or self._sink is None:
            return
        usual = self._sink.volume
        if volume is not None:
            self._sink.volume = volume
        try:
            if not self.voice:
                self.voice = self._voice.name
            lines = plan_text(text, style_of(self._settings, "en"))
            await speak_stream(lines, self._voice, self._sink)
        except VoxedgeError as error:
            self.trouble = str(error)
            self._sink = None
        finally:
            if self._sink is not None:
                self._sink.volume = usual


@asynccontextmanager
async def real_parts(
    settings: Settings,
    state: Path,
    tell: Callable[[str], None],
    *,
    out: Path | None = None,
    pictures: Path | None = None,
    microphone: str | None = None,
) -> AsyncIterator[Parts]:
    """Open what is there; what is not is found missing by its step.

    Args:
        settings: of the box.
        state: folder of saved documents.
        tell: prints what is said.
        out: a file as the loudspeaker.
        pictures: a folder or film as the camera.
        microphone: by ALSA card id; None takes that of the settings.
    """
    from voxedge.audio.capture import Microphone

    async with AsyncExitStack() as stack:
        speaker = await _speaker(stack, settings, tell, out)
        yield Parts(
            settings=settings,
            speaker=speaker,
            contacts=_pins(stack),
            views=lambda: _views(settings, pictures),
            microphone=Microphone(microphone or settings.hearing.microphone or None),
            snapshot=lambda: read_snapshot(state if state.exists() else state.parent),
            state=state,
            models=model_checks(settings),
            now_s=time.time,
            synchronised=SYNCHRONISED.exists,
        )


async def _speaker(
    stack: AsyncExitStack, settings: Settings, tell: Callable[[str], None], out: Path | None
) -> VoiceSpeaker:
    from voxedge.compose import open_sink, open_voice

    speaker: VoiceSpeaker | None = None

    def switched(switch: VoiceSwitch) -> None:
        if speaker is not None:
            speaker.switched(switch)

    voice, sink, trouble = None, None, ""
    try:
        voice = await asyncio.to_thread(open_voice, settings, switched)
        stack.callback(voice.close)
    except VoxedgeError as error:
        trouble = str(error)
    try:
        sink = open_sink(settings, out, voice.rate_hz if voice is not None else FILE_RATE_HZ)
        stack.push_async_callback(sink.close)
    except VoxedgeError as error:
        trouble = str(error)
    speaker = VoiceSpeaker(voice, sink, settings, trouble, tell)
    return speaker


def _pins(stack: AsyncExitStack) -> Callable[[tuple[int, ...], OnEdge], Contacts]:
    """Return what opens pins, with one chip for all of them, opened when first asked for."""
    chips: list[Factory] = []

    def contacts(numbers: tuple[int, ...], on_edge: OnEdge) -> Contacts:
        if not chips:
            chips.append(open_factory())
            stack.callback(chips[0].close)
        return Contacts(chips[0], numbers, on_edge, asyncio.get_running_loop())

    return contacts


async def _views(settings: Settings, pictures: Path | None) -> AsyncGenerator[View, None]:
    """Open the camera in its worker process, yield what it sees, and end it."""
    from voxedge.service.camera_parts import camera_spec
    from voxedge.service.live_camera import WorkerLiveCamera, live_camera_spec
    from voxedge.service.workers import Worker

    if pictures is None:
        spec = camera_spec(settings.camera)
    else:
        spec = live_camera_spec("folder", {"path": str(pictures)}, settings.camera.timeout_s)
    async with (
        Worker(spec, lambda trouble: log.warning("%s", trouble.spoken)) as worker,
        aclosing(WorkerLiveCamera(worker).live()) as views,
    ):
        async for view in views:
            yield view


def model_checks(settings: Settings) -> tuple[tuple[str, Callable[[], str]], ...]:
    """Return the checks of the model files; each reads and hashes everything."""
    return (
        ("natural voice", lambda: _natural_voice(settings)),
        ("simple voice", lambda: _found("simple voice", settings)),
        ("page reader", lambda: _found("tesseract", settings)),
        ("languages", lambda: _found("languages", settings)),
        ("second reader", _second_reader),
        ("ear", lambda: _recogniser(settings)),
    )


def _natural_voice(settings: Settings) -> str:
    from voxedge.models.store import verify_voice

    verify_voice(settings.voice.name)
    return settings.voice.name


def _second_reader() -> str:
    from voxedge.models.readers import find_reader

    return find_reader()[0].name


def _recogniser(settings: Settings) -> str:
    """Return the model of spoken commands; without one the box works, and says so itself."""
    from voxedge.errors import RecogniserMissing
    from voxedge.models.recognisers import find_model

    if not settings.hearing.commands:
        return "not wanted"
    try:
        return find_model(settings.hearing.language)[0].name
    except RecogniserMissing:
        return "no model of its own"


def _found(check: str, settings: Settings) -> str:
    from voxedge.doctor import examine

    (finding,) = examine(settings, only=check)
    if not finding.ok:
        raise VoxedgeError(reason=f"{finding.detail}; {finding.remedy}".rstrip("; "))
    return finding.detail
