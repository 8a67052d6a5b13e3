"""The box itself: heat and power, storage, models, clock."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from voxedge.errors import VoxedgeError
from voxedge.service.health import CONDITIONS
from voxedge.system.selftest.outcome import Outcome, absent, well, wrong
from voxedge.system.selftest.ports import Parts

WATCHED = ("hot", "slowed", "under_voltage", "memory_low")
"""Those conditions of the running reader that the assembler can mend."""

TRY_MB = 4
SLOW_MB_S = 1.0
"""A card that writes a synced megabyte in more than a second is worn out or a fake."""

FREE_MB = 500
SINCE = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""No device with this software lived before."""


async def power(parts: Parts) -> Outcome:
    """Heat, supply and memory, by the limits of the running reader."""
    # The processor was busy speaking until now: this is the box at work.
    snapshot = await asyncio.to_thread(parts.snapshot)
    figures = {
        "temperature": None
        if snapshot.temperature_c is None
        else f"{snapshot.temperature_c:.0f} degrees",
        "supply": None
        if snapshot.under_voltage is None
        else ("too weak" if snapshot.under_voltage else "strong enough"),
        "free memory": None
        if snapshot.memory_available_mb is None
        else f"{snapshot.memory_available_mb} MB",
    }
    detail = ", ".join(f"{name} {text or 'unknown'}" for name, text in figures.items())
    wrongs = [c.spoken for c in CONDITIONS if c.name in WATCHED and c.begins(snapshot)]
    if wrongs:
        return wrong(" ".join(wrongs), detail)
    if snapshot.temperature_c is None and snapshot.under_voltage is None:
        return absent("This system cannot measure heat or supply.", detail)
    if snapshot.under_voltage is None:
        return well("The temperature is well. The supply cannot be measured here.", detail)
    return well("Temperature and supply are well.", detail)


async def storage(parts: Parts) -> Outcome:
    """Room, and whether what is written comes back."""
    snapshot = await asyncio.to_thread(parts.snapshot)
    try:
        speed_mb_s, whole = await asyncio.to_thread(_write_and_read, parts.state)
    except OSError as error:
        return wrong(
            "I cannot write to my storage. Documents cannot be saved.",
            f"{parts.state}: {error.strerror or error}",
        )
    free_mb = snapshot.disk_free_mb
    free = "" if free_mb is None else f"{free_mb} MB free, "
    detail = f"{free}{speed_mb_s:.0f} MB/s written"
    if not whole:
        return wrong("My storage does not give back what I write. Change the card.", detail)
    if free_mb is not None and free_mb < FREE_MB:
        return wrong("My storage is almost full. Use a larger card.", detail)
    if speed_mb_s < SLOW_MB_S:
        return wrong("My storage is very slow. Change the card.", detail)
    return well("The storage is well.", detail)


def _write_and_read(folder: Path) -> tuple[float, bool]:
    """Write some megabytes, synced, and compare; return megabytes a second and whether equal."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / ".self-test"
    data = os.urandom(TRY_MB << 20)
    try:
        begun_s = time.monotonic()
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        took_s = time.monotonic() - begun_s
        with path.open("rb") as file:
            # Otherwise memory would answer, not the card.
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return TRY_MB / max(took_s, 1e-6), file.read() == data
    finally:
        path.unlink(missing_ok=True)


async def models(parts: Parts) -> Outcome:
    """Every model file against the digest of the manifest."""
    details, wrongs = [], []
    for name, check in parts.models:
        try:
            details.append(f"{name}: {await asyncio.to_thread(check)}")
        except VoxedgeError as error:
            details.append(f"{name}: {error}")
            wrongs.append(name)
    detail = "; ".join(details)
    if wrongs:
        return wrong(f"Missing or damaged: {', '.join(wrongs)}.", detail)
    return well("Everything I need for reading and speaking is whole.", detail)


async def clock(parts: Parts) -> Outcome:
    """Is the time plausible; a Raspberry Pi has no clock of its own."""
    now = datetime.fromtimestamp(parts.now_s(), tz=UTC).astimezone()
    detail = f"{now:%Y-%m-%d %H:%M} {now.tzname()}"
    if parts.now_s() < SINCE:
        return wrong(
            "The clock is not set. Bring a network, or add a clock module with a battery.", detail
        )
    if parts.synchronised():
        return well(f"The clock is set by the network. It is {now:%H:%M}.", detail)
    return well(f"The clock says {now:%H:%M}. Nobody has checked it.", f"{detail}, not checked")
