"""Speech into a WAV or FLAC file, as fast as it is made.

The file grows under a temporary name beside its own and takes its name only when it is whole, so
a file of that name that was there before is never lost to a failure half way.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from voxedge.audio.fades import FADE_MS, fade_out, frames_of
from voxedge.audio.limiter import limit
from voxedge.audio.mixer import VOLUME_MAX
from voxedge.errors import DiskFull, OutputUnwritable, VoxedgeError

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples, PcmChunk

FORMATS = {".wav": "WAV", ".flac": "FLAC"}

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FileSink:
    """An ``AudioSink`` that is a file: mono, 16 bits.

    Nothing is paced: a frame counts as heard when it is written. Pauses have no meaning in a file
    and earcons do not belong in one; both are ignored. A stop fades out what was written last.
    ``close`` completes the file, also after Ctrl-C: what was spoken so far, faded at its end. A
    close after a failed write, or before anything was written, leaves what was there before.

    Args:
        path: ends in ``.wav`` or ``.flac``. A name that exists and is no regular file (a device)
            is written to directly.
        rate_hz: of the file; the voice's own rate needs no resampling.
        volume: 0 to 4, through the limiter.

    Raises:
        OutputUnwritable: wrong suffix, no such folder, no permission, a folder of that name.
        DiskFull: not even a header fits.
    """

    def __init__(self, path: Path, rate_hz: int, *, volume: float = 1.0) -> None:
        if not 0.0 <= volume <= VOLUME_MAX:
            raise ValueError(f"volume {volume} is not between 0 and {VOLUME_MAX}")
        self.volume = volume
        self._path = path
        self._rate_hz = rate_hz
        self._generation = 0
        self._accepted = 0
        self._ended = True
        self._fade_frames = frames_of(FADE_MS, rate_hz)
        # The last frames are held back, so that a stop still has something to fade.
        self._held: FloatSamples = np.zeros(0, dtype=np.float32)
        self._failure: VoxedgeError | None = None
        self._closed = False
        self._partial, self._file = _create(path)
        try:
            self._sound = self._open_sound()
        except BaseException:
            # Whatever it was goes on up; half a file must not stay behind.
            self._discard()
            raise

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def rate_hz(self) -> int:
        """Samples a second of the file."""
        return self._rate_hz

    @property
    def generation(self) -> int:
        """Counts stops."""
        return self._generation

    @property
    def position(self) -> int:
        """Frames written."""
        return self._accepted

    @property
    def underruns(self) -> int:
        """A file waits as long as it must."""
        return 0

    async def write(self, chunk: PcmChunk, generation: int) -> int | None:
        """Append; see ``AudioSink.write``. The disk's cache takes it, so the loop is not held."""
        if chunk.rate_hz != self._rate_hz:
            raise ValueError(f"{self._path} takes {self._rate_hz} Hz, not {chunk.rate_hz} Hz")
        if self._failure is not None:
            raise type(self._failure)(**self._failure.details)
        if self._closed:
            raise OutputUnwritable(path=self._path, reason="already closed")
        if generation != self._generation:
            return None
        samples = np.concatenate([self._held, chunk.samples * np.float32(self.volume)])
        keep = min(self._fade_frames, len(samples))
        self._append(samples[: len(samples) - keep])
        self._held = samples[len(samples) - keep :]
        self._accepted += len(chunk.samples)
        self._ended = chunk.last
        return self._accepted

    async def heard(self, mark: int, generation: int) -> bool:
        """Nothing to wait for."""
        return generation == self._generation and mark <= self._accepted

    async def drain(self) -> None:
        """Nothing to wait for."""

    def stop(self) -> int:
        """Fade out what was written last; what comes for this generation is dropped."""
        self._held = fade_out(self._held, self._fade_frames)
        self._ended = True
        self._generation += 1
        return self._generation

    def pause(self) -> None:
        """No meaning in a file."""

    def resume(self) -> None:
        """No meaning in a file."""

    def earcon(self, samples: FloatSamples) -> None:
        """Not part of what was asked to be written."""

    async def reopen(self) -> None:
        """A disk that failed once is not tried again.

        Raises:
            DiskFull, OutputUnwritable: the failure it had.
        """
        if self._failure is not None:
            raise type(self._failure)(**self._failure.details)

    async def close(self) -> None:
        """Complete the file and give it its name. Idempotent.

        Raises:
            DiskFull, OutputUnwritable: the end could not be written. After a failed ``write``,
                which has told already, nothing is raised.
        """
        if self._closed:
            return
        self._closed = True
        if self._failure is not None or not self._accepted:
            self._discard()
            return
        try:
            if not self._ended:
                self._held = fade_out(self._held, self._fade_frames)
            self._append(self._held)
            self._complete()
        except VoxedgeError:
            self._discard()
            raise

    # -- within -------------------------------------------------------------------------

    def _open_sound(self) -> Any:
        import soundfile

        try:
            return soundfile.SoundFile(
                self._file,
                "w",
                samplerate=self._rate_hz,
                channels=1,
                format=FORMATS.get(self._path.suffix.lower(), "WAV"),
                subtype="PCM_16",
            )
        except soundfile.LibsndfileError as error:
            raise self._told(error) from error

    def _append(self, samples: FloatSamples) -> None:
        import soundfile

        if not len(samples):
            return
        loud = samples.copy()
        limit(loud)
        try:
            self._sound.write(loud)
        # soundfile asserts that libsndfile took every frame: a full disk shows as either.
        except (soundfile.LibsndfileError, AssertionError) as error:
            self._failure = self._told(error)
            raise self._failure from error
        if self._file.failure is not None:
            self._failure = self._told(self._file.failure)
            raise self._failure

    def _complete(self) -> None:
        import soundfile

        try:
            self._sound.close()
            self._file.settle()
            if self._partial is not None:
                self._partial.replace(self._path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> VoxedgeError:
        """The failure a person is told; the file object knows the system's own reason."""
        cause = self._file.failure or error
        if isinstance(cause, OSError):
            if cause.errno in _FULL:
                return DiskFull(path=self._path)
            return OutputUnwritable(path=self._path, reason=cause.strerror)
        return OutputUnwritable(path=self._path, reason=str(error))

    def _discard(self) -> None:
        import soundfile

        sound = getattr(self, "_sound", None)
        if sound is not None:
            with contextlib.suppress(soundfile.LibsndfileError):
                sound.close()
        self._file.discard()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)


class _RememberingFile:
    """A file for libsndfile that keeps the system's error.

    libsndfile calls back into Python to write, where an exception cannot pass and its number
    would be lost; a short count goes through.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.failure: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.failure is None:
            try:
                return self._raw.write(data)
            except OSError as error:
                self.failure = error
        return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if self.failure is None:
            try:
                return self._raw.seek(offset, whence)
            except OSError as error:  # Seeking writes what is buffered.
                self.failure = error
        return 0

    def tell(self) -> int:
        return 0 if self.failure is not None else self._raw.tell()

    def read(self, count: int) -> bytes:
        """Nothing is read back while writing, but libsndfile asks for the function."""
        return self._raw.read(count)

    def settle(self) -> None:
        """Everything to the disk, for good."""
        if self.failure is not None:
            raise self.failure
        self._raw.flush()
        with contextlib.suppress(OSError):  # A device or a pipe has nothing to sync.
            os.fsync(self._raw.fileno())
        self._raw.close()

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._raw.close()


def _create(path: Path) -> tuple[Path | None, _RememberingFile]:
    """Open the temporary file, or the device itself; the first is the temporary name."""
    if path.suffix.lower() not in FORMATS and not _is_special(path):
        raise OutputUnwritable(path=path, reason="its name must end in .wav or .flac")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if _is_special(path):
            return None, _RememberingFile(path.open("r+b"))
        handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        # mkstemp makes private files; a sound file is to be as readable as any other.
        os.fchmod(handle, 0o666 & ~_umask())
        return Path(partial), _RememberingFile(os.fdopen(handle, "w+b"))
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(path=path) from error
        raise OutputUnwritable(path=path, reason=error.strerror) from error


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _umask() -> int:
    """The process's mask; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
