"""Watchdog, restart policy and supervisor, on a virtual clock."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.service.notify import Notifier
from voxedge.service.restart import RestartPolicy, Trouble
from voxedge.service.supervisor import Part, Supervisor, VitalPartFailed
from voxedge.service.watchdog import Progress, Pulse, keep_watchdog


class VirtualClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.late_s = 0.0
        """How much later than asked the next sleep ends: a loop that was blocked."""
        self.at: dict[int, Callable[[], None]] = {}
        """What happens after the n-th sleep."""
        self._sleeps = 0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds + self.late_s
        self.late_s = 0.0
        self._sleeps += 1
        self.at.pop(self._sleeps, lambda: None)()
        await asyncio.sleep(0)


# -- watchdog ----------------------------------------------------------------------------------


def test_all_parts_must_be_fresh() -> None:
    progress = Progress()
    progress.expect("voice", 2.0, 0.0)
    progress.expect("audio", 5.0, 0.0)
    assert progress.verdict(2.0).healthy
    verdict = progress.verdict(2.1)
    assert not verdict.healthy
    assert verdict.reasons == ("voice silent for 2.1 s (limit 2 s)",)
    progress.beat("voice", 2.1)
    assert progress.verdict(4.0).healthy
    assert len(progress.verdict(9.0).reasons) == 2
    progress.dismiss("voice")
    progress.dismiss("audio")
    assert progress.verdict(1e9).healthy


def test_a_late_loop_is_no_progress() -> None:
    assert Progress().verdict(0.0, lag_s=0.9).healthy
    assert "event loop late by 3.0 s" in Progress().verdict(0.0, lag_s=3.0).reasons[0]


def test_a_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        Progress().expect("voice", 0.0, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.01, 3.0)), max_size=30),
    st.floats(0.5, 5.0),
)
def test_healthy_means_exactly_that_nobody_was_silent_for_longer_than_the_limit(
    beats: list[tuple[str, float]], limit_s: float
) -> None:
    progress, now_s = Progress(), 0.0
    last = dict.fromkeys("abc", 0.0)
    for name in last:
        progress.expect(name, limit_s, now_s)
    for name, step_s in beats:
        now_s += step_s
        assert progress.verdict(now_s).healthy == all(now_s - t <= limit_s for t in last.values())
        progress.beat(name, now_s)
        last[name] = now_s


def watchdog_run(tmp_path: Path, clock: VirtualClock, progress: Progress, rounds: int) -> list[str]:
    """Run ``rounds`` of a 20 s watchdog against a real datagram socket; return what it got."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)

        async def check() -> None:
            done = asyncio.Event()
            clock.at[rounds] = done.set
            with Notifier(str(tmp_path / "notify")) as notifier:
                task = asyncio.create_task(
                    keep_watchdog(progress, notifier, 20.0, clock, clock.sleep)
                )
                await done.wait()
                task.cancel()
                await asyncio.wait((task,))

        asyncio.run(check())
        told = []
        while True:
            try:
                told.append(systemd.recv(4096).decode())
            except BlockingIOError:
                return told


def test_a_working_daemon_pings_four_times_a_timeout(tmp_path: Path) -> None:
    clock = VirtualClock()
    assert watchdog_run(tmp_path, clock, Progress(), rounds=8) == ["WATCHDOG=1"] * 8


def test_no_ping_while_a_part_is_silent_and_pings_again_when_it_is_back(tmp_path: Path) -> None:
    clock, progress = VirtualClock(), Progress()
    pulse = Pulse(progress, "audio", 6.0, clock)
    # Sleeps last 5 s: silent for 5, 10, 15 s, then back.
    clock.at[3] = pulse.beat
    told = watchdog_run(tmp_path, clock, progress, rounds=4)
    assert told == [
        "WATCHDOG=1",
        "WATCHDOG=1",
        "STATUS=Wedged: audio silent for 10.0 s (limit 6 s)",
        "WATCHDOG=1",
        "STATUS=Working",
    ]


def test_a_blocked_loop_costs_a_ping(tmp_path: Path) -> None:
    clock = VirtualClock()
    clock.late_s = 4.0
    told = watchdog_run(tmp_path, clock, Progress(), rounds=3)
    assert told[0] == "WATCHDOG=1"
    assert told[1].startswith("STATUS=Wedged: event loop late by 4.0 s")
    assert told[2] == "WATCHDOG=1"


def test_waiting_for_a_button_beats_and_returns_what_came() -> None:
    async def check() -> None:
        progress = Progress()
        pulse = Pulse(progress, "buttons", 0.03)
        queue: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, queue.put_nowait, "press")
        assert await pulse.waiting(queue.get()) == "press"
        assert progress.verdict(loop.time()).healthy
        waiting = asyncio.create_task(pulse.waiting(queue.get()))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait((waiting,))
        queue.put_nowait("late")
        assert queue.qsize() == 1, "a cancelled wait takes nothing"
        pulse.retire()

    asyncio.run(check())


# -- restart policy ----------------------------------------------------------------------------


def test_back_off_doubles_from_half_a_second_to_thirty() -> None:
    policy = RestartPolicy()
    delays = []
    for _ in range(9):
        policy.started(0.0)
        delays.append(policy.failed(1.0).delay_s)
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_only_the_second_failure_of_an_outage_is_spoken() -> None:
    policy = RestartPolicy()
    assert [policy.failed(0.0, ran=False).speak for _ in range(5)] == [False, True, *[False] * 3]
    policy.started(10.0)
    assert policy.failed(70.0).delay_s == 0.5, "a minute of good work forgets the outage"
    assert policy.failed(70.0, ran=False).speak


def test_a_slow_start_is_no_good_work() -> None:
    policy = RestartPolicy()
    policy.failed(0.0, ran=False)
    assert policy.failed(500.0, ran=False).count == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 200), st.booleans()), max_size=60))
def test_delays_stay_within_their_bounds(steps: list[tuple[float, bool]]) -> None:
    policy, now_s = RestartPolicy(), 0.0
    for ran_s, ran in steps:
        if ran:
            policy.started(now_s)
        now_s += ran_s
        restart = policy.failed(now_s, ran)
        assert 0.5 <= restart.delay_s <= 30.0
        assert restart.speak == (restart.count == 2)


# -- supervisor --------------------------------------------------------------------------------


class Flaky:
    """A part that fails some times and then works until the test ends it."""

    def __init__(self, failures: int) -> None:
        self.starts = 0
        self.cancelled = False
        self.works = asyncio.Event()
        self._failures = failures

    async def run(self) -> None:
        self.starts += 1
        if self.starts <= self._failures:
            raise OSError("page text must not be logged")
        self.works.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(bounded())


def test_a_part_that_fails_is_started_again_and_the_second_failure_is_spoken(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def check() -> None:
        clock, troubles = VirtualClock(), list[Trouble]()
        supervisor = Supervisor(troubles.append, clock, clock.sleep)
        part, other = Flaky(3), Flaky(0)
        supervisor.add(Part("buttons", part.run, spoken="My buttons keep failing."))
        supervisor.add(Part("network", other.run))
        task = asyncio.create_task(supervisor.run())
        await part.works.wait()
        assert part.starts == 4
        assert clock.now_s == 1000.0 + 0.5 + 1.0 + 2.0
        assert troubles == [Trouble("buttons", 2, "My buttons keep failing.")]
        assert other.starts == 1, "the others are not disturbed"
        assert supervisor.states == {"buttons": "running", "network": "running"}
        task.cancel()
        await asyncio.wait((task,))
        assert part.cancelled
        assert other.cancelled

    run(check)
    assert "OSError" in caplog.text
    assert "page text" not in caplog.text


def test_a_vital_part_takes_the_process_with_it() -> None:
    async def check() -> None:
        supervisor = Supervisor(lambda trouble: None)
        other = Flaky(0)

        async def fail() -> None:
            await other.works.wait()
            raise OSError

        supervisor.add(Part("other", other.run))
        supervisor.add(Part("voice", fail, vital=True))
        with pytest.raises(VitalPartFailed, match="'voice' failed: OSError") as failure:
            await supervisor.run()
        assert other.cancelled, "nothing is left running"
        assert failure.value.exit_code != 0

    run(check)


def test_a_vital_part_that_ends_has_failed_and_an_ordinary_one_is_done() -> None:
    async def nothing() -> None:
        return

    async def check() -> None:
        supervisor = Supervisor(lambda trouble: None)
        supervisor.add(Part("tutorial", nothing))
        await supervisor.run()
        assert supervisor.states == {"tutorial": "done"}
        supervisor = Supervisor(lambda trouble: None)
        supervisor.add(Part("voice", nothing, vital=True))
        with pytest.raises(VitalPartFailed):
            await supervisor.run()

    run(check)


def test_a_part_that_cancels_itself_is_started_again() -> None:
    async def check() -> None:
        clock = VirtualClock()
        starts = []

        async def cancel_once() -> None:
            starts.append(1)
            if len(starts) == 1:
                raise asyncio.CancelledError

        supervisor = Supervisor(lambda trouble: None, clock, clock.sleep)
        supervisor.add(Part("clumsy", cancel_once))
        await supervisor.run()
        assert len(starts) == 2

    run(check)


def test_two_parts_cannot_share_a_name() -> None:
    supervisor = Supervisor(lambda trouble: None)
    supervisor.add(Part("voice", Flaky(0).run))
    with pytest.raises(ValueError, match="two parts"):
        supervisor.add(Part("voice", Flaky(0).run))
