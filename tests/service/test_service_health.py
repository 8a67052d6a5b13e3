"""What is read from the kernel, and what is said about it: once, at the right moment."""

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.service.health import (
    CONDITIONS,
    REPEAT_AFTER_S,
    Announcement,
    Health,
    Snapshot,
    Urgency,
    evaluate,
)
from voxedge.service.monitor import HealthMonitor
from voxedge.service.sensors import read_snapshot

WELL = Snapshot(
    temperature_c=55.0,
    throttled=False,
    under_voltage=False,
    cpu_mhz=1500,
    disk_free_mb=5000,
    memory_available_mb=2000,
    battery_percent=80,
    charging=False,
    loudspeakers=("Headphones",),
    cameras=("UVC Camera",),
)


def heard(*snapshots: Snapshot, step_s: float = 10.0) -> list[str]:
    """Return the names of what is said, "name" for a beginning, "-name" for an end."""
    health, said = Health(), []
    beginnings = {condition.spoken for condition in CONDITIONS}
    for index, snapshot in enumerate(snapshots):
        health, new = evaluate(health, snapshot, index * step_s)
        said += [a.condition if a.text in beginnings else f"-{a.condition}" for a in new]
    return said


def test_a_healthy_box_says_nothing() -> None:
    assert heard(*[WELL] * 50) == []


def test_a_box_without_sensors_says_nothing() -> None:
    assert heard(*[Snapshot()] * 50) == []


@pytest.mark.parametrize(
    ("sick", "name"),
    [
        (replace(WELL, temperature_c=82.0), "hot"),
        (replace(WELL, throttled=True), "slowed"),
        (replace(WELL, under_voltage=True), "under_voltage"),
        (replace(WELL, disk_free_mb=50), "disk_low"),
        (replace(WELL, memory_available_mb=100), "memory_low"),
        (replace(WELL, battery_percent=15), "battery_low"),
        (replace(WELL, loudspeakers=()), "no_loudspeaker"),
        (replace(WELL, cameras=()), "no_camera"),
    ],
)
def test_each_trouble_is_said_once_and_its_end_too(sick: Snapshot, name: str) -> None:
    condition = next(c for c in CONDITIONS if c.name == name)
    said = heard(*[WELL] * 3, *[sick] * 100, *[WELL] * 100)
    assert said == [name] + ([f"-{name}"] if condition.spoken_over else [])


def test_one_bad_reading_says_nothing() -> None:
    sick = replace(WELL, temperature_c=95.0, throttled=True, cameras=())
    assert heard(WELL, sick, WELL, sick, WELL, sick) == []


def test_a_value_that_wavers_about_its_limit_is_said_once() -> None:
    temperatures = [79.9, 80.1, 80.2, 80.3, 79.5, 78.0, 80.5, 75.0, 81.0, 71.0, 80.0] * 20
    assert heard(*(replace(WELL, temperature_c=t) for t in temperatures)) == ["hot"]


def test_a_trouble_that_comes_and_goes_is_not_said_again_for_ten_minutes() -> None:
    loose = [replace(WELL, cameras=())] * 3 + [WELL] * 3
    rounds = round(REPEAT_AFTER_S / (len(loose) * 10.0))
    assert heard(*(loose * rounds)).count("no_camera") == 1
    assert heard(*(loose * (rounds + 1))).count("no_camera") == 2


def test_a_sensor_that_falls_silent_changes_nothing() -> None:
    hot = replace(WELL, temperature_c=85.0)
    silent = replace(WELL, temperature_c=None)
    cool = replace(WELL, temperature_c=60.0)
    assert heard(*[hot] * 5, *[silent] * 20, *[cool] * 5) == ["hot", "-hot"]


def test_an_almost_empty_battery_interrupts_and_a_charging_one_does_not() -> None:
    empty = replace(WELL, battery_percent=4)
    _, said = evaluate(evaluate(Health(), empty, 0.0)[0], empty, 10.0)
    assert [(a.condition, a.urgency) for a in said] == [
        ("battery_critical", Urgency.ALERT),
        ("battery_low", Urgency.NOTICE),
    ]
    assert heard(*[replace(empty, charging=True)] * 10) == []


def test_sentences_are_for_the_ear() -> None:
    for condition in CONDITIONS:
        for text in filter(None, (condition.spoken, condition.spoken_over)):
            assert text.endswith(".")
            assert not set(text) & set("/%<>{}_0123456789")


MAYBE = st.none() | st.booleans()
SNAPSHOTS = st.builds(
    Snapshot,
    temperature_c=st.none() | st.floats(-40, 120),
    throttled=MAYBE,
    under_voltage=MAYBE,
    disk_free_mb=st.none() | st.integers(0, 1000),
    memory_available_mb=st.none() | st.integers(0, 1000),
    battery_percent=st.none() | st.integers(0, 100),
    charging=MAYBE,
    loudspeakers=st.none() | st.just(()) | st.just(("Headphones",)),
    cameras=st.none() | st.just(()) | st.just(("cam",)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SNAPSHOTS, max_size=40))
def test_nothing_ends_that_was_not_said_to_begin(snapshots: list[Snapshot]) -> None:
    open_now: set[str] = set()
    for name in heard(*snapshots, step_s=700.0):
        if name.startswith("-"):
            assert name[1:] in open_now
            open_now.discard(name[1:])
        else:
            open_now.add(name)


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


RASPBERRY = {
    "sys/class/thermal/thermal_zone0/temp": "61322",
    "sys/class/thermal/thermal_zone1/temp": "-274000",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal",
    "sys/class/hwmon/hwmon1/name": "rpi_volt",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000",
    "sys/class/power_supply/ups/type": "Battery",
    "sys/class/power_supply/ups/capacity": "42",
    "sys/class/power_supply/ups/status": "Discharging",
    "sys/class/power_supply/mouse/type": "Battery",
    "sys/class/power_supply/mouse/scope": "Device",
    "sys/class/power_supply/mouse/capacity": "99",
    "sys/class/power_supply/usb/type": "USB",
    "sys/class/sound/card0/id": "Headphones",
    "sys/class/sound/pcmC0D0p/dev": "116:16",
    "sys/class/sound/card1/id": "Webcam",
    "sys/class/sound/pcmC1D0c/dev": "116:24",
    "sys/class/video4linux/video0/name": "HD USB Camera: HD USB Camera",
    "sys/class/video4linux/video10/name": "bcm2835-codec-decode",
    "sys/class/video4linux/video13/name": "bcm2835-isp-output0",
    "proc/meminfo": "MemTotal: 3884372 kB\nMemFree: 90000 kB\nMemAvailable:    2048000 kB",
}


def test_a_raspberry_pi_is_read(tmp_path: Path) -> None:
    write(tmp_path, RASPBERRY)
    snapshot = read_snapshot(tmp_path, tmp_path / "sys", tmp_path / "proc")
    assert snapshot.disk_free_mb is not None
    assert replace(snapshot, disk_free_mb=None) == Snapshot(
        temperature_c=61.322,
        throttled=True,
        under_voltage=True,
        cpu_mhz=1500,
        memory_available_mb=2000,
        battery_percent=42,
        charging=False,
        loudspeakers=("Headphones",),
        cameras=("HD USB Camera: HD USB Camera",),
    )


def test_a_stock_debian_kernel_has_fewer_sensors(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "sys/class/thermal/thermal_zone0/temp": "48000",
            "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
            "sys/class/thermal/cooling_device0/cur_state": "2",
            "sys/class/thermal/cooling_device1/type": "pwm-fan",
            "sys/class/thermal/cooling_device1/cur_state": "3",
        },
    )
    snapshot = read_snapshot(tmp_path, tmp_path / "sys", tmp_path / "proc")
    assert snapshot.throttled is True
    assert snapshot.under_voltage is None
    assert snapshot.battery_percent is None
    assert snapshot.cameras == ()
    assert snapshot.loudspeakers is None


def test_nonsense_in_a_sensor_is_a_sensor_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, {name: "\x00garbage %" for name in RASPBERRY})
    snapshot = read_snapshot(tmp_path, tmp_path / "sys", tmp_path / "proc")
    assert snapshot.temperature_c is None
    assert snapshot.under_voltage is None
    assert snapshot.battery_percent is None
    assert snapshot.memory_available_mb is None


def test_an_empty_tree_is_read_without_complaint(tmp_path: Path) -> None:
    assert read_snapshot(tmp_path / "x", tmp_path / "sys", tmp_path / "proc") == Snapshot()


def test_this_machine_is_read() -> None:
    snapshot = read_snapshot(Path("/"))
    assert snapshot.memory_available_mb is not None
    assert snapshot.memory_available_mb > 0


def test_the_status_is_json_and_tells_all() -> None:
    health = Health()
    for now_s in (0.0, 10.0, 20.0):
        health, _ = evaluate(health, replace(WELL, under_voltage=True), now_s)
    status = json.loads(json.dumps(health.as_status()))
    assert status["ok"] is False
    assert status["conditions"] == ["under_voltage"]
    assert status["temperature_c"] == 55.0
    assert status["cameras"] == ["UVC Camera"]
    assert Health().as_status()["ok"] is True


def test_the_monitor_speaks_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    said: list[Announcement] = []
    looks = iter([WELL, *[replace(WELL, cameras=())] * 2])

    async def sleep(seconds: float) -> None:
        if monitor.health.active:
            raise asyncio.CancelledError
        clock.append(clock[-1] + seconds)

    clock = [0.0]
    monitor = HealthMonitor(lambda: next(looks), said.append, clock=lambda: clock[-1], sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(monitor.run())
    assert [a.condition for a in said] == ["no_camera"]
    assert monitor.health.active == ("no_camera",)
    assert "cannot find my camera" in caplog.text


def test_the_documentation_lists_every_condition() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "integrators" / "service.md").read_text()
    listed = [
        line.split("`")[1]
        for line in docs.partition("## Health")[2].splitlines()
        if line.startswith("| `")
    ]
    assert listed == [condition.name for condition in CONDITIONS]
