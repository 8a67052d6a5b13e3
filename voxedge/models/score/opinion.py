"""A second predicted opinion score, from another school than DNSMOS, where PyTorch is there."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from voxedge.models.score.metrics import MOS_RATE_HZ, JudgeMissing

INSTALL = "pip install torch && pip install --no-deps distillmos xls-r-sqa"
"""Without dependencies: they ask for ``torchaudio``, which only their command line uses."""


class DistillMos:
    """Distill-MOS (Stahl and Gamper 2025): opinion of the naturalness of speech, 1 to 5.

    A small network that learned from one with XLS-R features; the weights are in PyPI
    ``distillmos`` (MIT). DNSMOS was made for denoised speech, this one for speech of any origin.

    Raises:
        JudgeMissing: PyTorch or the package is not installed.
    """

    def __init__(self, threads: int = 1) -> None:
        try:
            torch = self._torch = importlib.import_module("torch")
            with _without_torchaudio():
                package = importlib.import_module("distillmos")
        except (ImportError, OSError) as error:  # OSError: a library of torch does not load
            raise JudgeMissing(f"Distill-MOS needs more packages ({INSTALL}): {error}") from error
        torch.set_num_threads(threads)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints where its weights lie
            self._network: Any = package.ConvTransformerSQAModel()
        self._network.eval()

    def __call__(self, samples: npt.NDArray[np.float32], rate_hz: int) -> float:
        """Judge a clip ``float32 [samples]``."""
        import soxr

        clip = np.asarray(soxr.resample(samples, rate_hz, MOS_RATE_HZ), dtype=np.float32)
        with self._torch.no_grad():
            return float(self._network(self._torch.from_numpy(clip)[None]))


@contextlib.contextmanager
def _without_torchaudio() -> Iterator[None]:
    """An empty module where ``torchaudio`` would be: it is imported there and not used."""
    if "torchaudio" in sys.modules:
        yield
        return
    sys.modules["torchaudio"] = ModuleType("torchaudio")
    try:
        yield
    finally:
        del sys.modules["torchaudio"]
