"""A WAV file as the loudspeaker of a simulated reader: it grows while the reader speaks.

Unlike ``FileSink`` it keeps time: silence is in it as long as it lasted. Whoever reads the file
meanwhile sees every block that has been played; the sizes in its header are right after ``close``.
"""

from __future__ import annotations

import errno
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxedge.errors import DiskFull, OutputUnwritable

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples

HEADER_BYTES = 44
_LONGEST_BYTES = 0xFFFFFFFF - HEADER_BYTES


class WavTape:
    """Mono, 16 bits; give ``write`` to a ``PacedSink``.

    Args:
        path: replaced if it exists.
        rate_hz: samples a second.

    Raises:
        OutputUnwritable: it cannot be written.
    """

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._path = path
        self._rate_hz = rate_hz
        self._bytes = 0
        try:
            # Unbuffered: what was played is in the file, also after a kill.
            self._file = path.open("wb", buffering=0)
            self._file.write(self._header(_LONGEST_BYTES))
        except OSError as error:
            raise OutputUnwritable(path=path, reason=error.strerror) from error

    def write(self, samples: FloatSamples) -> None:
        """Append ``float32`` ``[n]`` in [-1, 1].

        Raises:
            DiskFull, OutputUnwritable: it cannot take them.
        """
        data = (samples * 32767.0).astype("<i2").tobytes()
        try:
            self._file.write(data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise DiskFull(path=self._path) from error
            raise OutputUnwritable(path=self._path, reason=error.strerror) from error
        self._bytes += len(data)

    def close(self) -> None:
        """Put the sizes into the header. Idempotent."""
        if self._file.closed:
            return
        if self._file.seekable():
            self._file.seek(0)
            self._file.write(self._header(min(self._bytes, _LONGEST_BYTES)))
        self._file.close()

    def _header(self, data_bytes: int) -> bytes:
        return struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            36 + data_bytes,
            b"WAVE",
            b"fmt ",
            16,
            1,
            1,
            self._rate_hz,
            2 * self._rate_hz,
            2,
            16,
            b"data",
            data_bytes,
        )


def read_tape(path: Path) -> FloatSamples:
    """Return what a tape holds so far, ``float32`` ``[n]``; also while it is being written."""
    data = path.read_bytes()[HEADER_BYTES:]
    return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.float32) / 32767.0
