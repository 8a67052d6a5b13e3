"""How far a series of plug pulls has come, kept on disk: an interrupted one goes on where it was.

The card's layer, the emulator's console logs and this note lie in one folder. An interruption is a
plug pull too: what the guest had promised until then is in the file that it wrote, and is asked for
at the next start like everything else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagebuild.errors import BootTestFailed

_NAME = "pulls.json"


@dataclass(frozen=True, slots=True)
class PullState:
    """A series of plug pulls.

    Attributes:
        image: digest of the image; another one is another series.
        seed: of the moments.
        pulled: pulls after which the state was written.
        promised: numbers of the documents that must be there at the next start.
        lines: what was seen, a line a pull.
    """

    image: str
    seed: int
    pulled: int = 0
    promised: frozenset[int] = frozenset()
    lines: tuple[str, ...] = field(default=())

    def after_pull(self, promised: Iterable[int], line: str) -> PullState:
        """Return the state one pull later."""
        return replace(
            self,
            pulled=self.pulled + 1,
            promised=frozenset(promised),
            lines=(*self.lines, line),
        )


def load(folder: Path, image: str, seed: int) -> PullState:
    """Return where the series in ``folder`` stands; a new one where there is none.

    Raises:
        BootTestFailed: the folder holds the series of another image or seed, or a damaged note.
    """
    path = folder / _NAME
    if not path.exists():
        return PullState(image, seed)
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        state = PullState(
            str(body["image"]),
            int(body["seed"]),
            int(body["pulled"]),
            frozenset(int(number) for number in body["promised"]),
            tuple(str(line) for line in body["lines"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BootTestFailed(f"{path} is damaged: remove {folder} and begin anew.") from error
    if (state.image, state.seed) != (image, seed):
        raise BootTestFailed(
            f"{folder} holds the plug pulls of another image or seed: remove it, or name another "
            "folder with --state."
        )
    return state


def save(folder: Path, state: PullState) -> None:
    """Write the note, whole or not at all."""
    body = {
        "image": state.image,
        "seed": state.seed,
        "pulled": state.pulled,
        "promised": sorted(state.promised),
        "lines": list(state.lines),
    }
    new = folder / f"{_NAME}.new"
    with new.open("w", encoding="utf-8") as stream:
        json.dump(body, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(folder / _NAME)
