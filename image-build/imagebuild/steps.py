"""How far the test of updates has come, kept on disk: it is an hour's work on a busy machine.

Each step begins on a layer of its own over the card that the step before left. An interrupted step
is begun again on a new layer; a step that failed can be tried again without those before it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagebuild.errors import BootTestFailed
from imagebuild.machine import Card
from imagebuild.process import run

_NAME = "steps.json"


@dataclass(frozen=True, slots=True)
class Steps:
    """Where a test stands.

    Attributes:
        image: digest of the image; another one is another test.
        done: steps that were passed.
        word: what the guest said to the firmware at the end of the last one.
        lines: what was seen in them.
    """

    image: str
    done: int = 0
    word: str = ""
    lines: tuple[str, ...] = field(default=())

    def after(self, word: str, lines: list[str]) -> Steps:
        """Return where it stands one step later."""
        return replace(self, done=self.done + 1, word=word, lines=(*self.lines, *lines))


def load(folder: Path, image: str) -> Steps:
    """Return where the test in ``folder`` stands; a new one where there is none.

    Raises:
        BootTestFailed: the folder holds the test of another image, or a damaged note.
    """
    path = folder / _NAME
    if not path.exists():
        return Steps(image)
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        steps = Steps(
            str(body["image"]),
            int(body["done"]),
            str(body["word"]),
            tuple(str(line) for line in body["lines"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BootTestFailed(f"{path} is damaged: remove {folder} and begin anew.") from error
    if steps.image != image:
        raise BootTestFailed(f"{folder} holds the test of another image: remove it.")
    return steps


def save(folder: Path, steps: Steps) -> None:
    """Write the note, whole or not at all."""
    body = {
        "image": steps.image,
        "done": steps.done,
        "word": steps.word,
        "lines": list(steps.lines),
    }
    new = folder / f"{_NAME}.new"
    with new.open("w", encoding="utf-8") as stream:
        json.dump(body, stream)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(folder / _NAME)


def layer(card: Card, folder: Path, number: int) -> Card:
    """Return the card of a step: a new layer over what the step before left."""
    below = folder / f"step-{number - 1}.qcow2" if number > 1 else card.disk
    above = folder / f"step-{number}.qcow2"
    above.unlink(missing_ok=True)
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, above])
    return replace(card, disk=above)
