"""USB keyboards and presenters, read straight from the kernel.

The interface is the kernel's own (``struct input_event``, Documentation/input/input.rst), small
and fixed for ever; reading it here saves a compiled package that has no wheels. The device file
is watched by the event loop: no thread.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from voxedge.actions import Action, Intent
from voxedge.errors import InputDeviceMissing
from voxedge.inputs.events import Asked, Deliver, Trouble
from voxedge.inputs.keys import CODES, KEYS

_EVENT = struct.Struct("llHHi")
"""Seconds, microseconds, type, code, value; 24 bytes on 64-bit systems, 16 on 32-bit ones."""
_EV_KEY = 1
_UP, _DOWN, _AUTOREPEAT = 0, 1, 2

_KEY_BYTES = 96
"""Bits of all key codes (KEY_MAX is 0x2ff), in bytes."""
_EVIOCGBIT_KEY = 0x80000000 | _KEY_BYTES << 16 | ord("E") << 8 | 0x20 + _EV_KEY
_EVIOCGRAB = 0x40000000 | 4 << 16 | ord("E") << 8 | 0x90

LOOK_S = 2.0
"""How often to look for a keyboard that was plugged in; half a wake-up a second."""

_log = logging.getLogger(__name__)


def parse_events(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (key code, value) of each key event in what a device file gave; pure.

    Bytes of a last, incomplete event are dropped: the kernel gives whole events only.
    """
    whole = len(data) - len(data) % _EVENT.size
    for _, _, kind, code, value in _EVENT.iter_unpack(data[:whole]):
        if kind == _EV_KEY and value in (_UP, _DOWN, _AUTOREPEAT):
            yield code, value


def has_our_keys(fd: int, keys: frozenset[int] = frozenset(CODES)) -> bool:
    """Tell whether an input device has keys that mean something here.

    Mice, power buttons and HDMI remotes are input devices too; two keys of ours must be there.
    """
    try:
        bits = fcntl.ioctl(fd, _EVIOCGBIT_KEY, bytes(_KEY_BYTES))
    except OSError:
        return False
    return sum(bits[code // 8] >> code % 8 & 1 for code in keys) >= 2


class Keyboards:
    """Every keyboard and presenter, now and later, from construction to ``close``.

    Lives on the event loop. A device that is unplugged is told as trouble, and as well again
    when one comes back.

    Args:
        deliver: gets an intent for each key that means something.
        keys: key name and action.
        folder: where the device files are.
        grab: take the devices for ourselves, so that nothing is typed into a login prompt of the
            console behind the reader's back. False on a desktop.
        accepts: tells from an open device whether to use it.
        look_s: how often to look for new devices.
    """

    def __init__(
        self,
        deliver: Deliver,
        *,
        keys: Mapping[str, Action] = KEYS,
        folder: Path = Path("/dev/input"),
        grab: bool = True,
        accepts: Callable[[int], bool] = has_our_keys,
        look_s: float = LOOK_S,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._deliver = deliver
        self._keys = keys
        self._folder = folder
        self._grab = grab
        self._accepts = accepts
        self._look_s = look_s
        self._open: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        """Device files that were looked at and are no keyboard, with their inode."""
        self._lost = False
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the device files in use."""
        return tuple(sorted(self._open))

    def close(self) -> None:
        """Let every device go; nothing is delivered afterwards."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for name in tuple(self._open):
            self._drop(name)

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._look_s, self._look)
        try:
            present = {e.name: e.inode() for e in os.scandir(self._folder) if _is_event(e.name)}
        except OSError:
            return  # no input device was ever plugged in: the folder comes with the first
        for name in self._refused.keys() - present.keys():
            del self._refused[name]
        for name, inode in present.items():
            if name not in self._open and self._refused.get(name) != inode:
                self._take(name, inode)

    def _take(self, name: str, inode: int) -> None:
        try:
            fd = os.open(self._folder / name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            # udev may not have set the group yet: it is looked at again next time.
            _log.debug("%s: %s", name, error.strerror)
            return
        if not self._accepts(fd):
            os.close(fd)
            self._refused[name] = inode
            return
        if self._grab:
            try:
                fcntl.ioctl(fd, _EVIOCGRAB, 1)
            except OSError as error:
                _log.info("%s is shared with another program: %s", name, error.strerror)
        self._open[name] = fd
        self._loop.add_reader(fd, self._read, name)
        if self._lost:
            self._lost = False
            self._deliver(Trouble("keyboard", None))

    def _read(self, name: str) -> None:
        try:
            data = os.read(self._open[name], 64 * _EVENT.size)
        except BlockingIOError:
            return
        except OSError as error:
            self._unplugged(name, error.strerror or str(error))
            return
        if not data:
            self._unplugged(name, "it ended")
            return
        for code, value in parse_events(data):
            action = self._keys.get(CODES.get(code, ""))
            if action is Action.TALK and value == _UP:
                self._deliver(Asked(Intent(Action.TALK_END), "keyboard"))
            if action is None or value == _UP:
                continue
            if value == _DOWN or action.row.repeats:
                self._deliver(Asked(Intent(action), "keyboard"))

    def _unplugged(self, name: str, reason: str) -> None:
        self._drop(name)
        if not self._open:
            self._lost = True
            error = InputDeviceMissing(device="The keyboard", reason=f"unplugged: {reason}")
            self._deliver(Trouble("keyboard", error))

    def _drop(self, name: str) -> None:
        fd = self._open.pop(name)
        self._loop.remove_reader(fd)
        os.close(fd)


def _is_event(name: str) -> bool:
    return name.startswith("event") and name[5:].isdigit()
