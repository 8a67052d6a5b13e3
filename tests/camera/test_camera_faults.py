"""A camera that stops seeing is noticed within two seconds, told, and taken back on return."""

import numpy as np
import pytest

from voxedge.engines.camera.drain import Pump
from voxedge.engines.camera.watch import Fault, Limits, Watch
from voxedge.errors import (
    CameraBlack,
    CameraChanged,
    CameraFrozen,
    CameraLost,
    CameraMissing,
    CameraTiny,
    VoxedgeError,
)
from voxedge.testing.fake_camera import Act, FakeSource, VirtualClock

BREAKS_S, RETURNS_S = 3.0, 8.0


def run(script: list[Act], until_s: float) -> list[tuple[float, VoxedgeError | None, bool]]:
    """Turn the pump by a virtual clock; return time, trouble and whether a picture is there."""
    clock = VirtualClock()
    pump = Pump(FakeSource(script, clock, clock.sleep), clock)
    told = []
    while clock.now_s < until_s:
        clock.sleep(pump.turn() or 0.001)
        told.append((clock.now_s, pump.trouble(), pump.seen is not None))
    return told


@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("unplugged", {CameraLost, CameraMissing}),
        ("silent", {CameraLost}),
        ("black", {CameraBlack}),
        ("frozen", {CameraFrozen}),
        ("tiny", {CameraTiny, CameraChanged}),
        ("changed", {CameraChanged}),
    ],
)
def test_a_fault_is_noticed_within_two_seconds_and_over_within_two(
    mode: str, kinds: set[type[VoxedgeError]]
) -> None:
    script = [Act(0.0, "good"), Act(BREAKS_S, mode), Act(RETURNS_S, "good")]
    told = run(script, 12.0)
    assert all(trouble is None for at_s, trouble, _ in told if at_s < BREAKS_S)
    noticed = [(at_s, t) for at_s, t, _ in told if t is not None and at_s < RETURNS_S]
    assert noticed[0][0] - BREAKS_S <= 2.0
    assert {type(t) for _, t in noticed} <= kinds
    # A picture of another size returns as another size: that is told once more.
    well = [at_s for at_s, trouble, seen in told if at_s > RETURNS_S and trouble is None and seen]
    assert well
    assert well[0] - RETURNS_S <= 2.0
    assert told[-1][1] is None


def test_every_fault_has_a_sentence_of_its_own() -> None:
    sentences = {fault.error("c").speech for fault in Fault}
    assert len(sentences) == len(Fault)


def test_a_camera_that_is_not_there_at_first_is_taken_when_it_comes() -> None:
    told = run([Act(0.0, "unplugged"), Act(5.0, "good")], 9.0)
    assert isinstance(told[0][1], CameraMissing)
    well = [at_s for at_s, trouble, seen in told if trouble is None and seen]
    assert 5.0 < well[0] <= 7.0


def test_burnt_out_pictures_are_not_called_frozen() -> None:
    told = run([Act(0.0, "good"), Act(2.0, "burnt")], 6.0)
    assert [trouble for _, trouble, _ in told if trouble is not None] == []


def test_age_counts_while_the_driver_hangs() -> None:
    """The pump cannot turn then: another thread asks."""
    clock = VirtualClock()
    pump = Pump(FakeSource([Act(0.0, "good")], clock, clock.sleep), clock)
    for _ in range(10):
        pump.turn()
    assert pump.trouble() is None
    clock.sleep(1.0)
    assert isinstance(pump.trouble(), CameraLost)


def test_a_slow_start_is_no_loss() -> None:
    watch = Watch(0.0, Limits())
    assert watch.fault(2.5) is None
    assert watch.fault(3.0) is Fault.LOST
    watch.saw(3.1, (100, 640), 1, 90.0)
    assert watch.fault(4.0) is None
    assert watch.fault(4.2) is Fault.LOST


def test_exposure_settles_before_pictures_count_as_settled() -> None:
    clock = VirtualClock()
    pump = Pump(FakeSource([Act(0.0, "good")], clock, clock.sleep), clock)
    settled = []
    for _ in range(8):
        pump.turn()
        settled.append(pump.settled)
    assert not settled[1]
    assert settled[-1]
    assert pump.seen is not None
    assert pump.seen.grey.dtype == np.uint8
    assert max(pump.seen.grey.shape) == 640


def test_the_lens_looks_again_on_the_thread_of_the_driver() -> None:
    clock = VirtualClock()
    source = FakeSource([Act(0.0, "good")], clock, clock.sleep)
    pump = Pump(source, clock)
    pump.focus()
    pump.turn()
    assert source.focused == 0, "it is only being opened"
    for _ in range(3):
        pump.turn()
    assert source.focused == 1
