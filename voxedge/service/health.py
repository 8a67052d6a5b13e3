"""How the box itself does: heat, power, disk, memory, battery, loudspeaker, camera.

Pure: a snapshot (``voxedge.service.sensors`` reads it) and the state so far give the new state and
what has to be said. Everything is said once: when it begins, and when it is over. A value that
wavers about a limit says nothing new (hysteresis), and one bad reading says nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

REPEAT_AFTER_S = 600.0
"""A condition that comes back sooner is the same trouble; it is shown but not spoken again."""


class Urgency(Enum):
    """How a sentence is spoken; the names are those of the speech classes."""

    ALERT = "alert"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at the sensors. None: this machine has no such sensor, or it did not answer.

    Attributes:
        temperature_c: the hottest thermal zone.
        throttled: the processor is slowed down for heat or power.
        under_voltage: the supply is below 4.63 V now (Raspberry Pi's own limit).
        cpu_mhz: present clock of the first core.
        disk_free_mb: of the state directory's file system.
        memory_available_mb: what the kernel could still give.
        battery_percent: the fullest battery.
        charging: a battery is charging or full on mains.
        loudspeakers: ALSA ids of cards that can play.
        cameras: names of video devices that can capture.
    """

    temperature_c: float | None = None
    throttled: bool | None = None
    under_voltage: bool | None = None
    cpu_mhz: int | None = None
    disk_free_mb: int | None = None
    memory_available_mb: int | None = None
    battery_percent: int | None = None
    charging: bool | None = None
    loudspeakers: tuple[str, ...] | None = None
    cameras: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that can be wrong.

    Attributes:
        name: in ``status --json`` and the journal.
        begins: whether a snapshot shows it; None where the snapshot cannot tell.
        ends: whether a snapshot shows that it is over; stricter than "not begins".
        spoken: said when it begins.
        spoken_over: said when it is over; empty for nothing.
        urgency: of ``spoken``. Being over is never more than a notice.
        looks: consecutive snapshots that must agree, against a single bad reading.
    """

    name: str
    begins: Callable[[Snapshot], bool | None]
    ends: Callable[[Snapshot], bool | None]
    spoken: str
    spoken_over: str = ""
    urgency: Urgency = Urgency.NOTICE
    looks: int = 2


def _above(attribute: str, limit: float) -> Callable[[Snapshot], bool | None]:
    def test(snapshot: Snapshot) -> bool | None:
        value: float | None = getattr(snapshot, attribute)
        return None if value is None else value >= limit

    return test


def _below(attribute: str, limit: float) -> Callable[[Snapshot], bool | None]:
    def test(snapshot: Snapshot) -> bool | None:
        value: float | None = getattr(snapshot, attribute)
        return None if value is None else value <= limit

    return test


def _is(attribute: str, wanted: bool) -> Callable[[Snapshot], bool | None]:
    def test(snapshot: Snapshot) -> bool | None:
        value = getattr(snapshot, attribute)
        return None if value is None else bool(value) is wanted

    return test


def _discharging_below(limit: float) -> Callable[[Snapshot], bool | None]:
    def test(snapshot: Snapshot) -> bool | None:
        if snapshot.battery_percent is None:
            return None
        return snapshot.battery_percent <= limit and not snapshot.charging

    return test


def _charged_above(limit: float) -> Callable[[Snapshot], bool | None]:
    def test(snapshot: Snapshot) -> bool | None:
        if snapshot.battery_percent is None:
            return None
        return snapshot.battery_percent >= limit or bool(snapshot.charging)

    return test


CONDITIONS: tuple[Condition, ...] = (
    # A Pi 4 slows down at 80 and again at 85 degrees; the first is the time to act.
    Condition(
        "hot",
        _above("temperature_c", 80.0),
        _below("temperature_c", 70.0),
        "I am getting too hot. Please move me to a cooler place, away from the sun.",
        "I have cooled down.",
        looks=3,
    ),
    Condition(
        "slowed",
        _is("throttled", True),
        _is("throttled", False),
        "I have to work more slowly now, because I am too hot or my power supply is too weak.",
        "I am back to full speed.",
        looks=3,
    ),
    Condition(
        "under_voltage",
        _is("under_voltage", True),
        _is("under_voltage", False),
        "My power supply is too weak. Please check the plug and the cable.",
        looks=2,
    ),
    Condition(
        "disk_low",
        _below("disk_free_mb", 200),
        _above("disk_free_mb", 300),
        "My storage is almost full. Please delete some saved documents.",
        "There is room for documents again.",
    ),
    Condition(
        "memory_low",
        _below("memory_available_mb", 150),
        _above("memory_available_mb", 300),
        "I am short of memory. If I become slow, please switch me off and on again.",
        looks=3,
    ),
    Condition(
        "battery_low",
        _discharging_below(20),
        _charged_above(25),
        "My battery is low. Please plug me in.",
        "Thank you. My battery is no longer low.",
    ),
    Condition(
        "battery_critical",
        _discharging_below(7),
        _charged_above(10),
        "My battery is almost empty. I will switch off soon.",
        urgency=Urgency.ALERT,
    ),
    # Nobody can hear this one; it is for the status, and its end is worth hearing.
    Condition(
        "no_loudspeaker",
        _is("loudspeakers", False),
        _is("loudspeakers", True),
        "My loudspeaker is not connected.",
        "My loudspeaker is connected again.",
    ),
    Condition(
        "no_camera",
        _is("cameras", False),
        _is("cameras", True),
        "I cannot find my camera. Please check its cable.",
        "My camera is connected again.",
    ),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One condition so far.

    Attributes:
        active: whether it holds.
        agreeing: consecutive snapshots that say otherwise.
        spoken_s: when its beginning was last said.
        told: whether the present occurrence was said.
    """

    active: bool = False
    agreeing: int = 0
    spoken_s: float | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """A sentence to speak."""

    condition: str
    text: str
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Health:
    """All conditions so far, and the last snapshot."""

    standings: Mapping[str, Standing] = field(default_factory=dict)
    snapshot: Snapshot = Snapshot()

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the conditions that hold."""
        return tuple(name for name, standing in self.standings.items() if standing.active)

    def as_status(self) -> dict[str, object]:
        """Return the ``health`` object of ``status --json``; ``ok`` when no condition holds."""
        snapshot = self.snapshot
        return {
            "ok": not self.active,
            "conditions": list(self.active),
            "temperature_c": snapshot.temperature_c,
            "throttled": snapshot.throttled,
            "under_voltage": snapshot.under_voltage,
            "cpu_mhz": snapshot.cpu_mhz,
            "disk_free_mb": snapshot.disk_free_mb,
            "memory_available_mb": snapshot.memory_available_mb,
            "battery_percent": snapshot.battery_percent,
            "charging": snapshot.charging,
            "loudspeakers": _listed(snapshot.loudspeakers),
            "cameras": _listed(snapshot.cameras),
        }


def evaluate(
    health: Health,
    snapshot: Snapshot,
    now_s: float,
    conditions: tuple[Condition, ...] = CONDITIONS,
) -> tuple[Health, tuple[Announcement, ...]]:
    """Return the health after ``snapshot`` and what has to be said now, most urgent first.

    Args:
        health: so far; ``Health()`` at first.
        snapshot: the new look.
        now_s: seconds, monotonic.
        conditions: leave some out where the box has no camera of its own.
    """
    standings: dict[str, Standing] = {}
    said: list[Announcement] = []
    for condition in conditions:
        before = health.standings.get(condition.name, Standing())
        after, text = _step(condition, before, snapshot, now_s)
        standings[condition.name] = after
        if text:
            urgency = condition.urgency if after.active else Urgency.NOTICE
            said.append(Announcement(condition.name, text, urgency))
    said.sort(key=lambda announcement: announcement.urgency is not Urgency.ALERT)
    return Health(standings, snapshot), tuple(said)


def _step(
    condition: Condition, before: Standing, snapshot: Snapshot, now_s: float
) -> tuple[Standing, str]:
    changes = (condition.ends if before.active else condition.begins)(snapshot)
    if changes is None:
        return before, ""
    agreeing = before.agreeing + 1 if changes else 0
    if agreeing < condition.looks:
        return Standing(before.active, agreeing, before.spoken_s, before.told), ""
    if before.active:
        text = condition.spoken_over if before.told else ""
        return Standing(False, 0, before.spoken_s), text
    if before.spoken_s is not None and now_s - before.spoken_s < REPEAT_AFTER_S:
        return Standing(True, 0, before.spoken_s), ""
    return Standing(True, 0, now_s, told=True), condition.spoken


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)
