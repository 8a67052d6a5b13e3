"""Gestures from raw edges: golden traces, and properties over any bouncing contact."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.inputs.gestures import Gesture, GestureRecogniser, Kind, Timing, Wants

ALL = Wants(double=True, hold=True)
HOLD = Wants(hold=True)
PLAIN = Wants()
REPEAT = Wants(repeat=True)
TALK = Wants(release=True)

TIMING = Timing(debounce_ms=10, hold_ms=700, double_ms=350, repeat_ms=400, stuck_ms=20_000)


def edges(*presses_ms: tuple[float, float]) -> list[tuple[bool, int]]:
    """Return clean edges: each pair is when the contact closes and when it opens."""
    return [
        edge
        for closed_ms, open_ms in presses_ms
        for edge in ((True, round(1000 * closed_ms)), (False, round(1000 * open_ms)))
    ]


def bouncing(clean: list[tuple[bool, int]], burst_us: tuple[int, ...]) -> list[tuple[bool, int]]:
    """Return the edges with a burst of bounces after each: offsets of pairs of extra edges."""
    noisy: list[tuple[bool, int]] = []
    for level, at_us in clean:
        noisy.append((level, at_us))
        for index, offset_us in enumerate(burst_us):
            noisy.append((level if index % 2 else not level, at_us + offset_us))
    return noisy


def run(
    wants: Wants, trace: list[tuple[bool, int]], until_ms: float = 60_000, step_us: int = 0
) -> list[tuple[str, float]]:
    """Return what the recogniser makes of a trace, as (kind, milliseconds)."""
    recogniser = GestureRecogniser(wants, TIMING)
    found: list[Gesture] = []
    now_us = 0
    for level, at_us in trace:
        while step_us and now_us + step_us < at_us:
            now_us += step_us
            found += recogniser.advance(now_us)
        found += recogniser.edge(level, at_us)
        now_us = at_us
    found += recogniser.advance(round(1000 * until_ms))
    return [(gesture.kind.value, gesture.at_us / 1000) for gesture in found]


GOLDEN = [
    ("press", ALL, [(100, 200)], [("touch", 110), ("press", 550)]),
    ("press without double", HOLD, [(100, 200)], [("touch", 110), ("press", 210)]),
    ("press without either", PLAIN, [(100, 200)], [("touch", 110), ("press", 110)]),
    (
        "double",
        ALL,
        [(100, 200), (400, 500)],
        [("touch", 110), ("touch", 410), ("double", 410)],
    ),
    ("hold", ALL, [(100, 2000)], [("touch", 110), ("hold", 800)]),
    ("talk", TALK, [(100, 900)], [("touch", 110), ("press", 110), ("release", 910)]),
    ("let go a moment too late", HOLD, [(100, 799)], [("touch", 110), ("hold", 800)]),
    ("let go in time", HOLD, [(100, 785)], [("touch", 110), ("press", 795)]),
    (
        "two presses too far apart",
        ALL,
        [(100, 200), (600, 700)],
        [("touch", 110), ("press", 550), ("touch", 610), ("press", 1050)],
    ),
    (
        "second press on the last millisecond",
        ALL,
        [(100, 200), (549, 700)],
        [("touch", 110), ("touch", 559), ("double", 559)],
    ),
    (
        "triple is a double and a press",
        ALL,
        [(100, 200), (400, 500), (600, 700)],
        [("touch", 110), ("touch", 410), ("double", 410), ("touch", 610), ("press", 1050)],
    ),
    (
        "a long second press is still a double",
        ALL,
        [(100, 200), (400, 5000)],
        [("touch", 110), ("touch", 410), ("double", 410)],
    ),
    (
        "repeats while held",
        REPEAT,
        [(100, 1700)],
        [("touch", 110), ("press", 110), ("repeat", 800), ("repeat", 1200), ("repeat", 1600)],
    ),
    ("a glitch is nothing", ALL, [(100, 109)], []),
    (
        "a dropout does not end a hold",
        ALL,
        [(100, 300), (305, 2000)],
        [("touch", 110), ("hold", 800)],
    ),
]


@pytest.mark.parametrize(
    ("wants", "presses", "expected"), [g[1:] for g in GOLDEN], ids=[g[0] for g in GOLDEN]
)
def test_golden(
    wants: Wants, presses: list[tuple[float, float]], expected: list[tuple[str, float]]
) -> None:
    assert run(wants, edges(*presses)) == expected


def test_a_burst_of_bounces_is_one_press() -> None:
    burst = (300, 700, 1500, 1600, 3900, 4000, 6100, 6200)
    trace = bouncing(edges((100, 250)), burst)
    assert run(ALL, trace) == [("touch", 116.2), ("press", 606.2)]


def test_a_glitch_at_the_end_of_the_window_does_not_swallow_the_press() -> None:
    recogniser = GestureRecogniser(ALL, TIMING)
    for level, at_us in [*edges((100, 200)), (True, 545_000)]:
        recogniser.edge(level, at_us)
    assert recogniser.advance(554_000) == [], "it may yet be a double press"
    assert recogniser.edge(False, 554_500) == [Gesture(Kind.PRESS, 550_000)]


def test_something_that_leans_on_the_button_is_told_once() -> None:
    found = run(REPEAT, edges((0, 55_000)))
    assert found[-1] == ("stuck", 20_000)
    assert [kind for kind, _ in found].count("repeat") == 49, "repeats end there"
    assert run(ALL, edges((0, 55_000))) == [("touch", 10), ("hold", 700), ("stuck", 20_000)]


def test_a_button_held_at_the_start_says_nothing_until_let_go() -> None:
    recogniser = GestureRecogniser(ALL, TIMING, closed_at_us=0)
    assert recogniser.edge(False, 5_000_000) == []
    assert recogniser.advance(6_000_000) == []
    found = [*recogniser.edge(True, 7_000_000), *recogniser.advance(7_010_000)]
    assert [gesture.kind for gesture in found] == [Kind.TOUCH]
    stuck = GestureRecogniser(ALL, TIMING, closed_at_us=0)
    assert stuck.advance(30_000_000) == [Gesture(Kind.STUCK, 20_000_000)]


def test_a_button_cannot_both_hold_and_repeat() -> None:
    with pytest.raises(ValueError, match="repeats"):
        Wants(hold=True, repeat=True)


def test_times_that_cannot_pass_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 ms"):
        Timing(repeat_ms=0)


all_wants = st.sampled_from([ALL, HOLD, PLAIN, REPEAT, TALK, Wants(double=True)])
traces = st.lists(st.tuples(st.booleans(), st.integers(1, 900_000)), max_size=40).map(
    lambda steps: [
        (level, sum(gap for _, gap in steps[: index + 1])) for index, (level, _) in enumerate(steps)
    ]
)
"""Any levels at any rising times, repeated levels included, as a driver may report them."""


@given(all_wants, traces, st.sampled_from([1_000, 7_777, 50_000]))
def test_how_often_time_is_told_changes_nothing(
    wants: Wants, trace: list[tuple[bool, int]], step_us: int
) -> None:
    trace = trace[:8]
    assert run(wants, trace, step_us=step_us) == run(wants, trace)


@given(all_wants, traces)
def test_gestures_come_in_order_and_each_has_its_touch(
    wants: Wants, trace: list[tuple[bool, int]]
) -> None:
    found = run(wants, trace)
    times = [at for _, at in found]
    assert times == sorted(times)
    kinds = [kind for kind, _ in found]
    touches = kinds.count("touch")
    meanings = sum(kinds.count(kind) for kind in ("press", "hold")) + 2 * kinds.count("double")
    assert meanings <= touches
    still_down = bool(trace) and trace[-1][0]
    assert kinds.count("release") == (touches - still_down if wants.release else 0)
    if wants in (HOLD, PLAIN, REPEAT, TALK):
        assert meanings == touches or (still_down and meanings == touches - 1)
    if not wants.double:
        assert "double" not in kinds
    if not wants.hold:
        assert "hold" not in kinds


@given(all_wants, traces)
def test_silence_in_the_end(wants: Wants, trace: list[tuple[bool, int]]) -> None:
    recogniser = GestureRecogniser(wants, TIMING)
    last_us = 0
    for level, last_us in trace:
        recogniser.edge(level, last_us)
    recogniser.edge(False, last_us + 1)
    recogniser.advance(last_us + 10**9)
    assert recogniser.deadline_us is None, "an idle button wakes nobody"


presses = st.lists(
    st.tuples(st.integers(40_000, 600_000), st.integers(40_000, 900_000)), max_size=6
)
bursts = st.lists(st.integers(1, 1_200), max_size=8).map(
    lambda gaps: tuple(sum(gaps[: i + 1]) for i in range(len(gaps) - len(gaps) % 2))
)


@given(all_wants, presses, bursts)
def test_bounce_changes_only_the_time(
    wants: Wants, gaps: list[tuple[int, int]], burst_us: tuple[int, ...]
) -> None:
    clean: list[tuple[bool, int]] = []
    at_us = 0
    for pause_us, down_us in gaps:
        clean += [(True, at_us + pause_us), (False, at_us + pause_us + down_us)]
        at_us += pause_us + down_us
    delay_us = burst_us[-1] if burst_us else 0
    late = [(level, time_us + delay_us) for level, time_us in clean]
    assert run(wants, bouncing(clean, burst_us)) == run(wants, late)


def test_the_touch_is_certain_fast_enough_for_the_earcon() -> None:
    worst = bouncing(edges((100, 250)), (1000, 2000, 3000, 4000, 5000, 6200))
    touch_ms = dict(run(ALL, worst))["touch"]
    assert touch_ms - 100 <= 20, "of the 100 ms from press to earcon"


@given(traces)
def test_a_deadline_is_never_in_the_past(trace: list[tuple[bool, int]]) -> None:
    recogniser = GestureRecogniser(ALL, TIMING)
    for level, at_us in trace:
        recogniser.edge(level, at_us)
        assert recogniser.deadline_us is None or recogniser.deadline_us >= at_us
    for earlier, later in pairwise(t for _, t in trace):
        assert earlier < later
