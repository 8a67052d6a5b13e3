"""The second listener as an engine uses it: opened meanwhile, and never a reason to be deaf.

Its model is read and checked on a thread of its own while the first listener already hears; what
fails there is logged, and the first one goes on alone. It judges there too, so that both listen at
once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from voxedge.engines.asr.whisper_file import WeightsDamaged
from voxedge.engines.asr.whisper_graphs import graphs_of, kept_place
from voxedge.engines.asr.whisper_listener import WEIGHTS, Opinion, open_whisper
from voxedge.errors import RecogniserCorrupt, RecogniserMissing

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Int16Samples = npt.NDArray[np.int16]

_log = logging.getLogger(__name__)


class Judge(Protocol):
    """What judges phrases (``whisper_listener.WhisperListener``). Blocking; on one thread."""

    def learn(self, phrases: Sequence[str], digits: Mapping[str, str]) -> None:
        """Say what may be said."""
        ...

    def hear(self, samples: Int16Samples) -> Opinion:
        """Judge ``int16`` ``[n]`` at 16 kHz."""
        ...


class SecondListener:
    """A ``Judge`` on its own thread. Made and used on one other thread.

    It is opened once the first grammar is known: a worker that was killed shall hear again before
    it reads 75 MB.

    Args:
        opener: makes the judge, there. Blocking: a second, several on a Pi 4.
    """

    def __init__(self, opener: Callable[[], Judge]) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="second-listener")
        self._opener = opener
        self._judge: Future[Judge] | None = None
        self._learnt: Future[bool] | None = None

    def learn(self, phrases: Sequence[str], digits: Mapping[str, str]) -> None:
        """Say what may be said from now on; returns at once."""
        if self._judge is None:
            self._judge = self._thread.submit(self._opener)
            self._judge.add_done_callback(_tell)
        judge = self._judge

        def learn() -> bool:
            if judge.exception() is not None:
                return False
            judge.result().learn(phrases, digits)
            return True

        self._learnt = self._thread.submit(learn)

    @property
    def listening(self) -> bool:
        """Whether it is open. What it is asked waits until it has learned what may be said."""
        judge = self._judge
        return (
            judge is not None
            and judge.done()
            and not judge.cancelled()
            and judge.exception() is None
        )

    def wait(self) -> bool:
        """Wait until it listens; False where it never will. For tests and measurements."""
        return self._learnt is not None and self._learnt.result()

    def hear(self, samples: Int16Samples) -> Future[Opinion] | None:
        """Begin to judge ``int16`` ``[n]``; None while it is not open."""
        if self._judge is None or not self.listening:
            return None
        return self._thread.submit(self._judge.result().hear, samples)

    def close(self) -> None:
        """Let the thread go once it has finished what it does."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _tell(judge: Future[Judge]) -> None:
    if judge.cancelled() or (failure := judge.exception()) is None:
        return
    if isinstance(failure, RecogniserMissing):
        _log.info("no second listener: %s", failure)
    else:
        _log.warning("no second listener: %s", failure)


def open_judge(language: str) -> Judge:
    """Verify and open the installed second listener of a language. Blocking.

    Raises:
        RecogniserMissing: none is installed.
        RecogniserCorrupt: it is not what it should be.
    """
    with _corrupt_is_told(language) as (folder, kept):
        return open_whisper(folder, kept)


def prepare_judge(language: str) -> bool:
    """Make what only the first opening would make, beforehand. Blocking: seconds.

    Returns:
        Whether it is kept; a folder that cannot be written is no failure, only slower starts.

    Raises:
        As ``open_judge``.
    """
    with _corrupt_is_told(language) as (folder, kept), graphs_of(folder / WEIGHTS, kept) as made:
        return made == kept


@contextmanager
def _corrupt_is_told(language: str) -> Iterator[tuple[Path, Path]]:
    """Yield the folder of the verified model, and where its graphs are kept."""
    from voxedge.models.paths import models_folder
    from voxedge.models.recognisers import WHISPER, find_model

    entry, folder = find_model(language, engine=WHISPER)
    try:
        yield folder, kept_place(models_folder(), entry.name, entry.tree_sha256)
    except (WeightsDamaged, OSError) as error:
        raise RecogniserCorrupt(model=entry.name, reason="it does not open") from error
