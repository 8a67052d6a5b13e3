"""The loudspeaker of a box that must run without one too."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from voxedge.audio.sink import AudioSink
from voxedge.errors import NoSoundCard, SoundCardUnknown

_log = logging.getLogger(__name__)

LOOK_S = 5.0


def open_loudspeaker(open_sink: Callable[[], AudioSink]) -> tuple[AudioSink, bool]:
    """Return the loudspeaker and True; without one a silent sink and False: all else works."""
    try:
        return open_sink(), True
    except (NoSoundCard, SoundCardUnknown) as error:
        from voxedge.audio.paced import SilentSink

        _log.warning("%s", error)
        return SilentSink("no loudspeaker"), False


async def loudspeaker_here(open_sink: Callable[[], AudioSink]) -> None:
    """Return once a loudspeaker can be opened."""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            found = open_sink()
        except (NoSoundCard, SoundCardUnknown):
            continue
        await found.close()
        return
