"""What the owner of the voice asks of a place where sound goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from voxedge.flow import FloatSamples, PcmChunk


class AudioSink(Protocol):
    """A loudspeaker, or a file in its place. One owner writes; any thread may stop it.

    **Generations.** A stop makes everything written before it the past. It raises
    ``generation``; every write names the generation it was made for, so audio that arrives late
    from an engine is dropped at the door and never heard.

    **Marks.** ``write`` returns a mark: the count of frames taken so far. ``heard`` waits until
    the frame before a mark has left the device.
    """

    @property
    def name(self) -> str:
        """For messages and ``voxedge doctor``."""
        ...

    @property
    def rate_hz(self) -> int:
        """Samples a second that ``write`` takes; resample before (``audio.resample``)."""
        ...

    @property
    def generation(self) -> int:
        """Counts stops."""
        ...

    @property
    def position(self) -> int:
        """Frames that have left the device, in the count of marks.

        What a stop discarded counts once something later was played.
        """
        ...

    @property
    def underruns(self) -> int:
        """Times the device had to be given silence in the middle of an utterance."""
        ...

    @property
    def volume(self) -> float:
        """Gain, 0 to 4; changes along a ramp and through a limiter."""
        ...

    @volume.setter
    def volume(self, volume: float) -> None: ...

    async def write(self, chunk: PcmChunk, generation: int) -> int | None:
        """Take a chunk, waiting for room.

        Args:
            chunk: at ``rate_hz``; ``last`` says that silence after it is no underrun.
            generation: what ``generation`` was when the speech began.

        Returns:
            The mark behind the chunk, or None when a stop came first (nothing is to be done).

        Raises:
            SoundCardLost: the device is gone.
            DiskFull, OutputUnwritable: the file cannot take it.
        """
        ...

    async def heard(self, mark: int, generation: int) -> bool:
        """Wait until everything before ``mark`` has left the device.

        Returns:
            False when a stop came first.

        Raises:
            SoundCardLost: the device is gone.
        """
        ...

    async def drain(self) -> None:
        """Wait until everything written has left the device, or was stopped.

        Raises:
            SoundCardLost: the device is gone.
        """
        ...

    def stop(self) -> int:
        """Fall silent within a fade and forget what was written. Any thread, at once.

        Lifts a pause. Returns the new generation.
        """
        ...

    def pause(self) -> None:
        """Fall silent within a fade and hold the place. Any thread, at once."""
        ...

    def resume(self) -> None:
        """Go on from where ``pause`` held. Any thread, at once."""
        ...

    def earcon(self, samples: FloatSamples) -> None:
        """Mix a short sound over whatever plays, at once, paused or not. Any thread.

        Args:
            samples: ``float32`` ``[n]`` at ``rate_hz``. Dropped if two seconds already wait.
        """
        ...

    async def reopen(self) -> None:
        """Find and open the device again after a loss; what was written is lost.

        Raises:
            NoSoundCard, SoundCardUnknown: it is not back yet.
        """
        ...

    async def close(self) -> None:
        """Let the last fade leave the device and free it. Idempotent.

        What is still queued is not played: ``drain`` first.
        """
        ...
