"""A newer voxedge brought a better student: its networks are made while the former ones speak."""

from __future__ import annotations

import asyncio
import logging
import sys

from voxedge.errors import VoxedgeError
from voxedge.logs import fields
from voxedge.models.store import VoiceStore
from voxedge.service.workers import Worker

log = logging.getLogger(__name__)

START_PATIENCE_S = 600.0
"""First the voice must speak; its own first start may build its stages."""

NICENESS = 15
"""Speech, the page and the camera go before."""


async def refresh_networks(voice: str, worker: Worker) -> None:
    """Make stale light networks of a voice anew, in a process of its own.

    They speak from the next start on. A failure is told in the log and costs nothing: the former
    networks stay.

    Args:
        voice: its name in the manifest.
        worker: of that voice; waited for.
    """
    try:
        if not VoiceStore().is_stale(voice):
            return
    except VoxedgeError as error:
        log.warning("light networks are not looked at: %s", error)
        return
    await worker.wait_ready(START_PATIENCE_S)
    log.info("a newer student of the voice is being built", extra=fields(event="voice_refresh"))
    code = await _run(sys.executable, "-P", "-m", "voxedge", "models", "refresh", voice)
    if code == 0:
        log.info("it speaks from the next start on", extra=fields(event="voice_refresh", code=code))
    else:
        log.warning("it failed; the former stays", extra=fields(event="voice_refresh", code=code))


async def _run(*command: str) -> int:
    """Run a command to its end at a low priority; kill it if nobody waits any longer."""
    process = await asyncio.create_subprocess_exec(
        *("nice", "-n", str(NICENESS), *command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
