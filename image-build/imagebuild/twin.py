"""The reader on this machine, given the same page as the guest: what it says is the measure."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imagebuild.errors import BootTestFailed
from imagebuild.plan import REPO
from imagebuild.soundmatch import Floats, samples

BUSY = frozenset({"framing", "recognising", "reading"})
_LOOK_S = 0.5


def record_twin(python: Path, models: Path, pictures: Path, work: Path, timeout_s: float) -> Floats:
    """Have this machine's reader read the page in ``pictures``; return what it says from READ on.

    Raises:
        BootTestFailed: it does not start, or does not finish.
    """
    tape, control = work / "twin.wav", work / "twin.sock"
    env = {**os.environ, "VOXEDGE_MODELS": str(models), "VOXEDGE_SOCKET": str(control)}
    # Worker processes do not look into the folder they are started in.
    env["PYTHONPATH"] = str(REPO)
    voxedge = [str(python), "-m", "voxedge"]
    command = [*voxedge, "run", "--camera", str(pictures), "--sink", str(tape)]
    command += ["--state", str(work / "twin-state"), "--socket", str(control)]
    with (work / "twin.log").open("wb") as log:
        reader = subprocess.Popen(command, cwd=REPO, env=env, stdout=log, stderr=log)
    try:

        def status() -> Any:
            return json.loads(ask(voxedge, env, ["status", "--json"], timeout_s))

        wait_at_rest(status, timeout_s)
        start = tape.stat().st_size
        ask(voxedge, env, ["do", "read"], timeout_s)
        wait_finished(status, timeout_s)
    finally:
        reader.terminate()
        try:
            reader.wait(30)
        except subprocess.TimeoutExpired:
            reader.kill()
            reader.wait()
    return samples(tape.read_bytes()[start:])


def ask(voxedge: list[str], env: dict[str, str], words: list[str], timeout_s: float) -> str:
    """Run a control command until the reader takes it; return what it printed."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        done = subprocess.run(
            [*voxedge, *words], check=False, cwd=REPO, env=env, capture_output=True, text=True
        )
        if done.returncode == 0:
            return done.stdout
        if time.monotonic() > deadline_s:
            raise BootTestFailed(f"voxedge {' '.join(words)}: {done.stderr.strip()}")
        time.sleep(_LOOK_S)


def wait_at_rest(status: Callable[[], Any], timeout_s: float) -> None:
    """Wait until what a reader says by itself after its start is over.

    Without a camera that it could find it says so after three looks; the folder that stands for one
    is none to the part that looks.

    Raises:
        BootTestFailed: it does not come to rest.
    """
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < timeout_s:
        now = status()
        told = not now["health"]["camera"]["ok"]
        if told and not now["speaking"] and now["state"] not in BUSY:
            return
        time.sleep(_LOOK_S)
    raise BootTestFailed("The reader does not come to rest.")


def wait_finished(status: Callable[[], Any], timeout_s: float) -> float:
    """Wait until a page was read to its end; return the seconds it took.

    Args:
        status: returns the reader's status as ``voxedge status --json`` gives it.
        timeout_s: how long to wait.

    Raises:
        BootTestFailed: it never finishes, or stops without a document.
    """
    begun_s = time.monotonic()
    quiet = 0
    while time.monotonic() - begun_s < timeout_s:
        now = status()
        # Between taking the picture and the first word it may be silent for a moment: two looks.
        done = now["document"] and now["state"] not in BUSY and not now["speaking"]
        quiet = quiet + 1 if done else 0
        if quiet >= 2:
            return time.monotonic() - begun_s
        time.sleep(_LOOK_S)
    raise BootTestFailed("The page was not read to its end.")
