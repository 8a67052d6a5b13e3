"""Turning the box off."""

from __future__ import annotations

import asyncio
import logging
import shlex

from voxedge.logs import fields

_log = logging.getLogger(__name__)


async def turn_off(command: str) -> bool:
    """Run the command that turns the box off; systemd ends us on the way down, by SIGTERM.

    Returns:
        False where it failed; the box stays on.
    """
    try:
        process = await asyncio.create_subprocess_exec(*shlex.split(command))
        code = await process.wait()
    except (OSError, ValueError) as error:
        _log.warning("turning off failed: %s", type(error).__name__)
        return False
    if code:
        _log.warning("turning off failed", extra=fields(event="power_off", code=code))
    return code == 0
