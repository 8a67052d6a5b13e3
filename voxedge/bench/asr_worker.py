"""A recogniser's worker, killed in the middle of a word: how long until it hears again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any

import numpy as np

from voxedge.commands.grammar import build
from voxedge.commands.language import load
from voxedge.engines.asr.protocol import RATE_HZ
from voxedge.errors import RecogniserFailed
from voxedge.service.hearing import WorkerRecogniser, recogniser_worker


def recovery(language: str) -> dict[str, Any]:
    """Kill the worker while it is fed.

    Returns:
        ``told``: whether the loss was raised to the caller, and ``back_s``: wall time from the
        kill to an answer of the new one, which was told its grammar anew.
    """
    return asyncio.run(_recovery(language))


async def _recovery(language: str) -> dict[str, Any]:
    noise = np.random.default_rng(1).normal(0, 500, RATE_HZ // 2).astype(np.int16)
    async with recogniser_worker(language, lambda _: None) as worker:
        ear = WorkerRecogniser(worker, patience_s=60.0)
        await ear.set_grammar(build(load(language)))
        await ear.feed(noise)
        pid = worker.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        began_s = time.perf_counter()
        told = False
        try:
            await ear.finish()
        except RecogniserFailed:
            told = True
        await ear.feed(noise)
        await ear.finish()
        return {"told": told, "back_s": round(time.perf_counter() - began_s, 2)}
