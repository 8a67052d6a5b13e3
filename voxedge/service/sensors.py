"""Reads the sensors of a Linux box from sysfs and procfs into a ``health.Snapshot``.

Every sensor is optional: a stock Debian kernel has no under-voltage sensor, a virtual machine has
none at all. A file that is missing or holds nonsense is a sensor that is not there.

Kernel interfaces: Documentation/ABI/testing/sysfs-class-thermal, -hwmon, -power; the Raspberry Pi
kernel's ``soc:firmware/get_throttled`` (bits as of ``vcgencmd get_throttled``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from voxedge.engines.camera.usb import CONVERTERS
from voxedge.service.health import Snapshot

_UNDER_VOLTAGE_NOW = 1 << 0
_SLOWED_NOW = (1 << 1) | (1 << 2) | (1 << 3)
"""Clock capped, throttled, soft temperature limit."""

_MB = 1024 * 1024


def read_snapshot(
    state_directory: Path, sys_root: Path = Path("/sys"), proc_root: Path = Path("/proc")
) -> Snapshot:
    """Look at everything once: some thirty small files, no subprocess. Blocking.

    Args:
        state_directory: its file system is the disk that matters.
        sys_root: a fake tree in tests.
        proc_root: a fake tree in tests.
    """
    firmware = _firmware_flags(sys_root)
    batteries = list(_batteries(sys_root))
    return Snapshot(
        temperature_c=_temperature_c(sys_root),
        throttled=_throttled(sys_root, firmware),
        under_voltage=_under_voltage(sys_root, firmware),
        cpu_mhz=_cpu_mhz(sys_root),
        disk_free_mb=_disk_free_mb(state_directory),
        memory_available_mb=_memory_available_mb(proc_root),
        battery_percent=max((percent for percent, _ in batteries), default=None),
        charging=any(charging for _, charging in batteries) if batteries else None,
        loudspeakers=_loudspeakers(sys_root),
        cameras=_cameras(sys_root),
    )


def read_temperature_c(sys_root: Path = Path("/sys")) -> float | None:
    """The hottest thermal zone alone: a file or two. Blocking."""
    return _temperature_c(sys_root)


def read_throttled(sys_root: Path = Path("/sys")) -> bool | None:
    """Whether the processor is slowed down now; None where nobody tells. Reads one or two files."""
    return _throttled(sys_root, _firmware_flags(sys_root))


def _text(path: Path) -> str | None:
    # Sensors answer EIO, ENODATA or EAGAIN while they wake up.
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path, base: int = 10) -> int | None:
    text = _text(path)
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None


def _temperature_c(root: Path) -> float | None:
    zones = (_number(zone / "temp") for zone in _each(root, "class/thermal", "thermal_zone*"))
    # A sensor that is not ready reports nonsense like -274 000 or 0x7FFFFFFF millidegrees.
    plausible = [milli / 1000.0 for milli in zones if milli is not None and -40e3 < milli < 150e3]
    return max(plausible, default=None)


def _firmware_flags(root: Path) -> int | None:
    return _number(root / "devices/platform/soc/soc:firmware/get_throttled", base=16)


def _under_voltage(root: Path, firmware: int | None) -> bool | None:
    for monitor in _each(root, "class/hwmon", "hwmon*"):
        if _text(monitor / "name") == "rpi_volt":
            alarm = _number(monitor / "in0_lcrit_alarm")
            if alarm is not None:
                return alarm != 0
    return None if firmware is None else bool(firmware & _UNDER_VOLTAGE_NOW)


def _throttled(root: Path, firmware: int | None) -> bool | None:
    if firmware is not None:
        return bool(firmware & _SLOWED_NOW)
    # Without the firmware's word: the kernel's own brake on the processor. A low clock alone means
    # nothing, an idle core has one.
    states = [
        _number(device / "cur_state")
        for device in _each(root, "class/thermal", "cooling_device*")
        if "cpufreq" in (_text(device / "type") or "")
    ]
    known = [state for state in states if state is not None]
    return any(state > 0 for state in known) if known else None


def _cpu_mhz(root: Path) -> int | None:
    khz = _number(root / "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq")
    return None if khz is None else khz // 1000


def _disk_free_mb(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free // _MB
    except OSError:
        return None


def _memory_available_mb(root: Path) -> int | None:
    for line in (_text(root / "meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            words = rest.split()
            return int(words[0]) // 1024 if words and words[0].isdigit() else None
    return None


def _batteries(root: Path) -> Iterator[tuple[int, bool]]:
    """Yield charge and whether it is charging. A mouse's battery (scope Device) is none of ours."""
    for supply in _each(root, "class/power_supply", "*"):
        if _text(supply / "type") != "Battery" or _text(supply / "scope") == "Device":
            continue
        percent = _number(supply / "capacity")
        if percent is not None and 0 <= percent <= 100:
            yield percent, _text(supply / "status") in ("Charging", "Full", "Not charging")


def _loudspeakers(root: Path) -> tuple[str, ...] | None:
    """Return ids of cards with a playback device; None where there is no sound system at all."""
    sound = root / "class/sound"
    if not sound.is_dir():
        return None
    cards = sorted({pcm.name[4:].partition("D")[0] for pcm in sound.glob("pcmC*D*p")})
    return tuple(_text(sound / f"card{card}" / "id") or f"card{card}" for card in cards)


def _cameras(root: Path) -> tuple[str, ...] | None:
    video = root / "class/video4linux"
    if not (root / "class").is_dir():
        return None
    names = (_text(device / "name") for device in _each(root, "class/video4linux", "video*"))
    found = {name for name in names if name and not name.startswith(CONVERTERS)}
    return tuple(sorted(found)) if video.is_dir() else ()


def _each(root: Path, folder: str, pattern: str) -> list[Path]:
    return sorted((root / folder).glob(pattern))
