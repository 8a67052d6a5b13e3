"""What ``voxedge status`` tells, put together from the session and the health of the box. Pure."""

from __future__ import annotations

import voxedge
from voxedge.api.protocol import Health as HealthLine
from voxedge.api.protocol import OpenDocument, Position, Status, Voice
from voxedge.reader.conversation.model import Model, Open
from voxedge.service.health import CONDITIONS, Health
from voxedge.service.workers import Worker


def status_of(model: Model, *, speaking: bool, voice: str, health: dict[str, HealthLine]) -> Status:
    """Return how the reader is; never any page text.

    Args:
        model: the conversation.
        speaking: whether something is being said.
        voice: name of the voice that speaks.
        health: see ``health_lines``.
    """
    return Status(
        state=model.state,
        document=None if model.open is None else _document(model.open),
        cursor=None if model.open is None else _position(model.open),
        speaking=speaking,
        voice=Voice(voice, model.rate, model.volume),
        health=health,
        version=voxedge.__version__,
    )


def health_lines(
    health: Health, *, loudspeaker: str | None, voice: Worker | None
) -> dict[str, HealthLine]:
    """Return one line for each thing that is watched.

    Args:
        health: of the box.
        loudspeaker: its name, None where there is none.
        voice: the worker of the natural voice, None where that is not installed.
    """
    snapshot = health.snapshot
    details = {
        "temperature": ("hot", _amount(snapshot.temperature_c, "degrees")),
        "power": ("under_voltage", "too weak" if snapshot.under_voltage else "well"),
        "speed": ("slowed", _amount(snapshot.cpu_mhz, "MHz")),
        "disk": ("disk_low", _amount(snapshot.disk_free_mb, "MB free")),
        "memory": ("memory_low", _amount(snapshot.memory_available_mb, "MB free")),
        "battery": ("battery_low", _amount(snapshot.battery_percent, "percent")),
        "camera": ("no_camera", ", ".join(snapshot.cameras or ()) or "none"),
    }
    lines = {
        name: HealthLine(condition not in health.active, detail)
        for name, (condition, detail) in details.items()
    }
    lines["loudspeaker"] = HealthLine(
        loudspeaker is not None and "no_loudspeaker" not in health.active, loudspeaker or "none"
    )
    lines["voice"] = (
        HealthLine(False, "not installed")
        if voice is None
        else HealthLine(voice.failures == 0, voice.state.value)
    )
    return lines


def troubles_of(health: Health) -> tuple[str, ...]:
    """Return what is wrong with the box, as sentences."""
    spoken = {condition.name: condition.spoken for condition in CONDITIONS}
    return tuple(spoken[name] for name in health.active if name in spoken)


def _document(opened: Open) -> OpenDocument:
    return OpenDocument(
        # The title of what nobody saved is made of words of the page.
        title=opened.title if opened.saved else "",
        pages=len(opened.book.document.pages),
        sentences=len(opened.book.spots),
        saved=opened.saved,
    )


def _position(opened: Open) -> Position | None:
    place = opened.book.outline.place(opened.cursor)
    if place is None:
        return None
    return Position(place.page, place.section, place.paragraph, place.sentence, place.percent)


def _amount(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:g} {unit}"
