"""A series of plug pulls goes on where it was interrupted."""

from pathlib import Path
from typing import Any

import pytest
from imagebuild import pulls, pullstate
from imagebuild.errors import BootTestFailed
from imagebuild.machine import Card
from imagebuild.pullstate import PullState
from imagebuild.scenario import Report


def test_a_new_series_begins_at_the_first_pull(tmp_path: Path) -> None:
    assert pullstate.load(tmp_path, "sha", 1) == PullState("sha", 1)


def test_a_series_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    state = PullState("sha", 1).after_pull({3, 1}, "pull 1: ...").after_pull({4}, "pull 2: ...")
    pullstate.save(tmp_path, state)
    assert pullstate.load(tmp_path, "sha", 1) == state
    assert (state.pulled, state.promised) == (2, {4})
    assert [path.name for path in tmp_path.iterdir()] == ["pulls.json"]


@pytest.mark.parametrize(("image", "seed"), [("other", 1), ("sha", 2)])
def test_another_image_or_seed_is_another_series(tmp_path: Path, image: str, seed: int) -> None:
    pullstate.save(tmp_path, PullState("sha", 1))
    with pytest.raises(BootTestFailed, match="--state"):
        pullstate.load(tmp_path, image, seed)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"image": "sha"}', '{"image": "sha", "seed": "x"}']
)
def test_a_damaged_note_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "pulls.json").write_text(text)
    with pytest.raises(BootTestFailed, match="damaged"):
        pullstate.load(tmp_path, "sha", 1)


class Board:
    """Stands for the emulator: saves three documents a start, and can be interrupted."""

    def __init__(self) -> None:
        self.card: set[int] = set()
        self.interrupt_at = 0
        self.started: list[str] = []

    def boot(self, card: Card, disk: Path, work: Path, name: str, *rest: Any) -> tuple[Any, Any]:
        self.started.append(name)
        self.saved = work / f"{name}.saved"
        self.saved.write_text("")
        return self, self

    def save(self) -> None:
        first = max(self.card, default=0) + 1
        self.card |= set(range(first, first + 3))
        self.saved.write_text("".join(f"{n}\n" for n in range(first, first + 3)))

    def run(self, text: str, *rest: Any) -> str:
        if " save " in text:
            self.save()
        return " ".join(map(str, sorted(self.card)))

    def wait_for(self, *rest: Any) -> None: ...
    def need_running(self) -> None: ...
    def pull_plug(self) -> None: ...
    def wait_off(self, timeout_s: float) -> None: ...


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    board = Board()
    monkeypatch.setattr(pulls, "boot", board.boot)

    def started(card: Card, disk: Path, work: Path, name: str, masked: object) -> Board:
        board.started.append(name)
        return board

    monkeypatch.setattr(pulls, "Machine", started)

    def run_for(machine: object, cpu_s: float) -> float:
        if len(board.started) == board.interrupt_at:
            raise KeyboardInterrupt
        return cpu_s

    monkeypatch.setattr(pulls, "_run_for", run_for)
    return board


def series(folder: Path, count: int) -> list[str]:
    report = Report(lambda text: None)
    card = Card(folder, folder, folder, "")
    state = pullstate.load(folder, "sha", 1)
    pulls.pull_plugs(card, folder, folder, state, count, report, 1.0)
    return report.lines


def test_an_interrupted_series_goes_on_with_the_same_pull(tmp_path: Path, board: Board) -> None:
    board.interrupt_at = 3
    with pytest.raises(KeyboardInterrupt):
        series(tmp_path, 6)
    assert pullstate.load(tmp_path, "sha", 1).pulled == 2
    board.interrupt_at = 0
    lines = series(tmp_path, 6)
    names = ["pull-01", "pull-02", "pull-03", "pull-03", "pull-04", "pull-05", "pull-06"]
    assert board.started == [*names, "after-pulls"]
    # Lines of before the interruption are in the record too.
    assert [line.partition(":")[0] for line in lines[:6]] == [f"pull {n}" for n in range(1, 7)]
    assert lines[6] == "6 of 6 plug pulls survived; 18 documents, all whole"


def test_what_was_promised_before_an_interruption_is_asked_for(
    tmp_path: Path, board: Board
) -> None:
    board.interrupt_at = 1
    with pytest.raises(KeyboardInterrupt):
        series(tmp_path, 2)
    board.interrupt_at = 0
    board.card.discard(2)
    with pytest.raises(BootTestFailed, match="1 documents were said to be saved and are gone"):
        series(tmp_path, 2)


def test_the_moments_do_not_depend_on_interruptions(tmp_path: Path, board: Board) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    expected = series(whole, 5)
    board.card.clear()
    series(broken, 2)
    assert series(broken, 5)[:5] == expected[:5]
