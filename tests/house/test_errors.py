"""Every failure has a sentence to print, one to speak, and a documented exit code."""

import pickle
import re
from pathlib import Path

import pytest

from voxedge import errors

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"


def all_classes() -> list[type[errors.VoxedgeError]]:
    found: list[type[errors.VoxedgeError]] = [errors.VoxedgeError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind.__module__.startswith(errors.__name__)]


def details_of(kind: type[errors.VoxedgeError]) -> dict[str, object]:
    names = re.findall(r"\{(\w+)\}", kind.printed + kind.spoken)
    return {name: f"the-{name}" for name in names}


@pytest.mark.parametrize("kind", all_classes(), ids=lambda kind: kind.__name__)
def test_each_failure_is_told_whole(kind: type[errors.VoxedgeError]) -> None:
    error = kind(**details_of(kind))
    for detail in details_of(kind).values():
        assert str(detail) in str(error) + error.speech
    assert "<" not in str(error), "a placeholder was left unfilled"
    assert error.speech.endswith((".", "?"))
    assert not re.search(r"[{}]|--|apt-get|/", error.speech), "not a sentence for the ear"


@pytest.mark.parametrize("kind", all_classes(), ids=lambda kind: kind.__name__)
def test_each_failure_stands_in_the_docs_under_its_code(kind: type[errors.VoxedgeError]) -> None:
    rows = [line for line in DOCS.read_text().splitlines() if f"`{kind.__name__}`" in line]
    assert len(rows) == 1
    assert rows[0].startswith(f"| {kind.exit_code} |")


@pytest.mark.parametrize("kind", all_classes(), ids=lambda kind: kind.__name__)
def test_each_failure_crosses_a_process_boundary(kind: type[errors.VoxedgeError]) -> None:
    error = kind(**details_of(kind))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.speech) == (str(error), error.speech)


def test_a_missing_detail_does_not_hide_the_failure() -> None:
    assert "<path>" in str(errors.InputMissing())
