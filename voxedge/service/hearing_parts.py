"""The ears of the running reader, put together: which microphone, thresholds, titles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxedge.audio.capture import Microphone, choose_microphone, list_inputs
from voxedge.errors import MicrophoneMissing
from voxedge.service.restart import Trouble
from voxedge.service.talking import Ears, Hearing
from voxedge.service.tuning import load_thresholds

if TYPE_CHECKING:
    from voxedge.config import Settings
    from voxedge.reader.ports import Shelf
    from voxedge.reader.session import Session
    from voxedge.testing.file_microphone import FileMicrophone


class _NoMicrophone:
    """A ``SoundSource`` of a simulated reader without recordings."""

    async def pieces(self) -> AsyncIterator[Any]:
        """Yield nothing; see ``SoundSource.pieces``."""
        self.check()
        yield  # Never: it makes this a generator.

    def check(self) -> None:
        raise MicrophoneMissing(reason="a simulated reader listens with --mic")


def open_hearing(
    settings: Settings,
    session: Session,
    shelf: Shelf,
    state_folder: Path,
    on_trouble: Callable[[Trouble], None],
    *,
    recordings: FileMicrophone | None = None,
    simulate: bool = False,
) -> Hearing:
    """Put the ears together; nothing is opened yet, and no process started.

    Args:
        settings: all of them.
        session: the reader.
        shelf: whose titles can be said.
        state_folder: where ``tune-voice`` keeps its thresholds.
        on_trouble: told when the recogniser keeps failing.
        recordings: in place of the microphone.
        simulate: there is no other microphone.
    """
    thresholds = load_thresholds(state_folder, settings.hearing.language)
    if recordings is not None:
        ears = Ears(recordings, recordings.check, thresholds)
    elif simulate:
        absent = _NoMicrophone()
        ears = Ears(absent, absent.check)
    else:
        spec = settings.hearing.microphone or None
        ears = Ears(
            Microphone(spec),
            lambda: _must_be_there(spec),
            thresholds,
            float(settings.audio.latency_ms),
        )

    async def titles() -> tuple[str, ...]:
        return tuple(entry.title for entry in await shelf.entries() if entry.title)

    return Hearing(settings.hearing, session, ears, titles, on_trouble)


def _must_be_there(spec: str | None) -> None:
    choose_microphone(spec, list_inputs())
