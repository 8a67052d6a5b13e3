"""Which voice the device can afford now. Pure: readings in, a rung of the ladder out.

A ladder goes from the best voice (rung 0) to the cheapest. One goes down a rung soon and up a rung
late: a voice that changes back and forth is worse to listen to than either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Readings:
    """One look at the box and the voice. None: nobody knows, which is no reason for anything.

    Attributes:
        temperature_c: of the processor.
        real_time_factor: time the present voice takes for a second of sound.
        load: runnable tasks for each core, the voice included.
        throttled: whether the firmware has slowed the processor down, for heat or weak power.
    """

    temperature_c: float | None = None
    real_time_factor: float | None = None
    load: float | None = None
    throttled: bool | None = None


@dataclass(frozen=True, slots=True)
class QualityRules:
    """When to change.

    Attributes:
        hot_c: step down from here. A Raspberry Pi 4 slows itself down a little from 80 degrees,
            which the pace tells, and a lot from 85.
        cool_c: step up below this.
        slow: real-time factor to step down from: what is left is for the page being read.
        late: real-time factor at which sound breaks off: step down at once.
        quick: real-time factor to step up below.
        busy: load to step down from.
        quiet: load to step up below.
        looks: readings in a row that must agree before a step down.
        calm_s: time since the last step before one up; doubles after each one that did not last.
        calm_max_s: longest such time.
    """

    hot_c: float = 82.0
    cool_c: float = 75.0
    slow: float = 0.75
    late: float = 0.95
    quick: float = 0.4
    busy: float = 3.0
    quiet: float = 1.5
    looks: int = 2
    calm_s: float = 30.0
    calm_max_s: float = 600.0


@dataclass(frozen=True, slots=True)
class QualityState:
    """Where on the ladder, and how it came there.

    Attributes:
        rung: 0 is the best voice.
        changed_s: when it last changed.
        strained: readings in a row that asked for a step down.
        calm_s: how long to wait before the next step up.
        went_up: whether the last step was one up.
    """

    rung: int = 0
    changed_s: float = float("-inf")
    strained: int = 0
    calm_s: float = 0.0
    went_up: bool = False


def next_quality(
    state: QualityState,
    readings: Readings,
    now_s: float,
    rungs: int,
    rules: QualityRules,
    at_least: int = 0,
    *,
    released: bool = False,
) -> QualityState:
    """Decide at the border of two sentences.

    Args:
        state: as of the last decision.
        readings: of now.
        now_s: seconds of a clock that only grows.
        rungs: length of the ladder.
        rules: when to change.
        at_least: a rung that somebody asked for (to save power): no better one is used.
        released: it was a wish that brought the voice down here, and it was taken back: unless
            something else speaks against it, the better voice is back at once.

    Returns:
        The new state; its rung differs from the old one's by at most one step, unless
        ``at_least`` asks for more or ``released`` gives it back.
    """
    cheapest = rungs - 1
    floor = min(max(at_least, 0), cheapest)
    if state.rung < floor:
        return replace(state, rung=floor, changed_s=now_s, strained=0, went_up=False)
    if _strained(readings, rules):
        strained = state.strained + 1
        late = readings.real_time_factor is not None and readings.real_time_factor >= rules.late
        if state.rung == cheapest or not (late or strained >= rules.looks):
            return replace(state, strained=strained)
        # The better voice did not last: wait longer before it is tried again.
        calm_s = min(rules.calm_max_s, 2 * state.calm_s) if state.went_up else rules.calm_s
        return QualityState(state.rung + 1, now_s, 0, max(calm_s, rules.calm_s), went_up=False)
    if released and state.rung > floor:
        return replace(state, rung=floor, changed_s=now_s, strained=0, went_up=False)
    if (
        state.rung > floor
        and _relaxed(readings, rules)
        and now_s - state.changed_s >= max(state.calm_s, rules.calm_s)
    ):
        return QualityState(state.rung - 1, now_s, 0, state.calm_s, went_up=True)
    return replace(state, strained=0)


def _strained(readings: Readings, rules: QualityRules) -> bool:
    return (
        readings.throttled is True
        or _reaches(readings.temperature_c, rules.hot_c)
        or _reaches(readings.real_time_factor, rules.slow)
        or _reaches(readings.load, rules.busy)
    )


def _relaxed(readings: Readings, rules: QualityRules) -> bool:
    """Nothing that is known speaks against a step up."""
    return not (
        readings.throttled is True
        or _reaches(readings.temperature_c, rules.cool_c)
        or _reaches(readings.real_time_factor, rules.quick)
        or _reaches(readings.load, rules.quiet)
    )


def _reaches(value: float | None, limit: float) -> bool:
    return value is not None and value >= limit
