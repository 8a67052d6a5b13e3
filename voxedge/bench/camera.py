"""A camera that fails while it is looked through or takes the picture: how soon it is told.

The camera is a driver that does what it is told by a file, in a worker process of its own as a real
one is; around it run the guide, the session and a voice. For each fault, and in real time:

- noticed: from the fault until the guide tells of it;
- heard: until the first sample of the sentence leaves the loudspeaker;
- back: from the end of the fault until the guide tells that the camera works again (of a camera
  that changed its pictures or hangs, which is started again at once: from the fault);
- picture: until the picture is there, without anybody having pressed again.

What had been read before must still be open, at the same place.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voxedge.actions import Action, Intent, State
from voxedge.audio.measure import ClockedSink
from voxedge.bench.running.bars import Bar
from voxedge.config import Settings
from voxedge.flow import Frame
from voxedge.models.progress import Progress, Silent
from voxedge.reader.guide import CAMERA_BACK, Move
from voxedge.reader.guided import GuidedCamera
from voxedge.reader.messages import load_messages
from voxedge.reader.session import Parts, Session
from voxedge.service.engines import Engines, fake_engines, hosted_voice, real_engines
from voxedge.service.live_camera import WorkerLiveCamera, live_camera_spec
from voxedge.service.workers import Worker
from voxedge.speech.lines import SpeechClass
from voxedge.speech.planner import Style
from voxedge.testing.fake_camera import HANGS
from voxedge.testing.fake_reader import FakePages, FakeShelf

FAULTS = ("unplugged", "silent", "black", "frozen", "tiny", "changed", HANGS)
LIMIT_MS = 2000.0
HANG_LIMIT_MS = 15_000.0
"""A new process, with its libraries, on a Raspberry Pi."""

_PAGE = "# Dosage\nTake one tablet in the morning. Swallow it whole. Do not chew it."
_PATIENCE_S = 25.0
_AWAY_S = 2.5
"""How long a fault lasts; whoever pulled a plug puts it back no sooner."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault; times in milliseconds, as the module says.

    Attributes:
        fault: of ``FAULTS``.
        phase: "framing" or "shooting".
        told: the error that was told.
        document_kept: what had been read before is open, at the same place, all the while.
    """

    fault: str
    phase: str
    told: str
    noticed_ms: float
    heard_ms: float
    back_ms: float
    picture_ms: float
    document_kept: bool


class _Shooting:
    """A ``LiveCamera`` that lets the fault begin in the middle of the picture."""

    def __init__(self, camera: WorkerLiveCamera) -> None:
        self._camera = camera
        self.name = camera.name
        self.live = camera.live
        self.focus = camera.focus
        self.on_shoot: Callable[[], None] = lambda: None

    async def shoot(self) -> Frame:
        """See ``LiveCamera``."""
        self.on_shoot()
        return await self._camera.shoot()


class _Rig:
    """A session, its camera, and what became known of them when."""

    def __init__(self, session: Session, camera: _Shooting, mode: Path) -> None:
        self.session = session
        self.camera = camera
        self.mode = mode
        self.moves: list[tuple[float, Move]] = []

    def guide(self, move: Move) -> None:
        """Carry it out and take note."""
        self.moves.append((time.monotonic(), move))
        self.session.guide(move)

    def set(self, mode: str) -> float:
        """Let the camera be so; return when."""
        self.mode.write_text(mode, encoding="utf-8")
        return time.monotonic()

    async def until(self, condition: Callable[[], bool]) -> float:
        """Wait; return when it came true."""
        async with asyncio.timeout(_PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - the loudspeaker's own thread tells
                await asyncio.sleep(0.005)
        return time.monotonic()

    def urgent(self, *, back: bool) -> list[tuple[float, str]]:
        """What was told of the camera, or of its return."""
        return [
            (at_s, move.hint.key)
            for at_s, move in self.moves
            if move.hint is not None and move.hint.urgent and (move.hint.key == CAMERA_BACK) is back
        ]

    @property
    def is_alert_heard(self) -> bool:
        """Whether the loudspeaker plays an alert."""
        speaker = self.session.speaker
        speech = speaker.owner.speaking
        is_alert = speech is not None and speech.speech_class is SpeechClass.ALERT
        return is_alert and speaker.sounding


async def trial(rig: _Rig, fault: str, phase: str) -> Trial:
    """Press, let the camera fail, let it be well again, wait for the picture."""
    session = rig.session
    await rig.until(lambda: session.model.work is None)
    rig.set("good" if phase == "shooting" else "cut")
    before = session.model.open
    assert before is not None
    rig.moves.clear()
    began: list[float] = []
    if phase == "shooting":
        rig.camera.on_shoot = lambda: began.append(rig.set(fault)) if not began else None
        await session.do(Intent(Action.READ))
        await rig.until(lambda: bool(began))
    else:
        rig.camera.on_shoot = lambda: None
        await session.do(Intent(Action.READ))
        await rig.until(lambda: bool(rig.moves))
        await asyncio.sleep(0.5)
        began.append(rig.set(fault))
    fault_s = began[0]
    await rig.until(lambda: bool(rig.urgent(back=False)))
    noticed_s, told = rig.urgent(back=False)[0]
    heard_s = await rig.until(lambda: rig.is_alert_heard)
    if fault in (HANGS, "changed"):
        back_s = fault_s
        if fault == HANGS:
            rig.set("good")
    else:
        await asyncio.sleep(max(0.0, fault_s + _AWAY_S - time.monotonic()))
        back_s = rig.set("good")
    kept = session.model.open == before
    await rig.until(lambda: bool(rig.urgent(back=True)))
    back_ms = 1000 * (rig.urgent(back=True)[0][0] - back_s)
    kept = kept and session.model.open == before
    picture_s = await rig.until(lambda: session.model.state is not State.FRAMING)
    taken = session.model.work is not None
    await rig.until(lambda: session.model.work is None)
    if fault == "changed":
        # Back to the first size, which is one more change.
        rig.set("good")
        await asyncio.sleep(_AWAY_S)
    return Trial(
        fault,
        phase,
        told,
        1000 * (noticed_s - fault_s),
        1000 * (heard_s - fault_s),
        back_ms,
        1000 * (picture_s - back_s) if taken else float("inf"),
        kept,
    )


async def measure(engines: Engines, faults: tuple[str, ...], progress: Progress) -> list[Trial]:
    """Go through every fault in both phases; real time, 10 s each."""
    async with AsyncExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        mode = folder / "mode"
        mode.write_text("good", encoding="utf-8")
        sink = ClockedSink()
        parts.push_async_callback(sink.close)
        voice_worker = None
        if engines.voice is not None:
            voice_worker = await parts.enter_async_context(Worker(engines.voice))
            await voice_worker.wait_ready(engines.voice.start_deadline_s)
        voice = hosted_voice(engines, voice_worker, lambda _: None).voice
        parts.callback(voice.close)
        spec = dataclasses.replace(
            live_camera_spec("folder", {"path": str(mode), "size": 3}),
            factory="voxedge.testing.fake_camera:controlled_camera",
        )
        worker = await parts.enter_async_context(Worker(spec))
        await worker.wait_ready(spec.start_deadline_s)
        camera = _Shooting(WorkerLiveCamera(worker))
        rig: _Rig
        session = Session(
            Parts(
                voice=voice,
                sink=sink,
                camera=GuidedCamera(
                    camera, lambda move: rig.guide(move), lambda: rig.session.is_hint_heard
                ),
                pages=FakePages(_PAGE, section_s=0.01),
                shelf=FakeShelf(),
                messages=load_messages(),
                style=lambda language: Style(language=language),
            )
        )
        rig = _Rig(session, camera, mode)
        life = asyncio.create_task(session.run(), name="session")
        try:
            await session.started.wait()
            await session.do(Intent(Action.READ))
            await rig.until(lambda: session.model.open is not None and session.model.work is None)
            trials = []
            progress.start("pulling the plug", 2 * len(faults), "faults")
            for phase in ("framing", "shooting"):
                for fault in faults:
                    trials.append(await trial(rig, fault, phase))
                    progress.advance(1)
            progress.finish()
            return trials
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


def bars(trials: list[Trial]) -> list[Bar]:
    """Return the worst of each figure against its bar."""
    lives = [trial for trial in trials if trial.fault != HANGS]
    hanged = [trial for trial in trials if trial.fault == HANGS]
    return [
        _worst("fault noticed", [trial.noticed_ms for trial in trials], LIMIT_MS),
        _worst("fault told aloud", [trial.heard_ms for trial in trials], LIMIT_MS),
        _worst("return noticed", [trial.back_ms for trial in lives], LIMIT_MS),
        _worst("hung driver replaced", [trial.back_ms for trial in hanged], HANG_LIMIT_MS),
        Bar(
            "documents lost",
            float(sum(not trial.document_kept for trial in trials)),
            0.0,
            "",
            "of what was read before",
        ),
    ]


def _worst(name: str, times_ms: list[float], limit_ms: float) -> Bar:
    worst = max(times_ms, default=0.0)
    return Bar(name, round(worst), limit_ms, "ms", f"worst of {len(times_ms)} faults")


def run(
    *, engines: str = "real", progress: Progress | None = None, faults: tuple[str, ...] = FAULTS
) -> dict[str, Any]:
    """Measure and return trials and bars, JSON-safe; three minutes, for it is done in real time.

    Args:
        engines: "real" or "fake" voice.
        progress: told how far it is.
        faults: of ``FAULTS``.
    """
    hosted = fake_engines() if engines == "fake" else real_engines(Settings())
    trials = asyncio.run(measure(hosted, faults, progress or Silent()))
    return {
        "trials": [asdict(trial) for trial in trials],
        "bars": [{**asdict(bar), "met": bar.met} for bar in bars(trials)],
    }


def table(result: dict[str, Any]) -> str:
    """Return the trials and the bars to be printed."""
    lines = [
        f"{'fault':<10} {'while':<9} {'told as':<14} {'noticed':>8} {'heard':>8} {'back':>8} "
        f"{'picture':>8}  kept"
    ]
    for row in result["trials"]:
        times = " ".join(
            f"{row[name]:8.0f}" for name in ("noticed_ms", "heard_ms", "back_ms", "picture_ms")
        )
        kept = "yes" if row["document_kept"] else "NO"
        lines.append(f"{row['fault']:<10} {row['phase']:<9} {row['told']:<14} {times}  {kept}")
    for bar in result["bars"]:
        verdict = "met" if bar["met"] else "MISSED"
        lines.append(
            f"{bar['name']:<20} {bar['value']:8.0f} {bar['unit']:<3} of at most "
            f"{bar['limit']:.0f}  {verdict}; {bar['detail']}"
        )
    return "\n".join(lines)


def as_json(result: dict[str, Any]) -> str:
    """Return one JSON object."""
    return json.dumps(result, indent=2)
