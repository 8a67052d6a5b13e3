"""The reader's own sentences: every one that is asked for exists, and nothing stands unfilled."""

import re
from pathlib import Path

import pytest

import voxedge
from voxedge.errors import ConfigError
from voxedge.reader.messages import load_messages, parse_messages
from voxedge.vision.framing import Verdict

SOURCES = [
    *sorted((Path(voxedge.__file__).parent / "reader" / "conversation").glob("*.py")),
    Path(voxedge.__file__).parent / "reader" / "session.py",
    Path(voxedge.__file__).parent / "reader" / "guide.py",
    Path(voxedge.__file__).parent / "service" / "daemon.py",
    Path(voxedge.__file__).parent / "service" / "talking.py",
]
MADE_UP = {
    *(f"{way}_{unit}" for way in ("first", "last") for unit in ("word", "sentence", "paragraph")),
    *(f"{way}_{unit}" for way in ("first", "last") for unit in ("section", "page")),
    *(f"state_{state}" for state in ("idle", "reading", "paused", "menu", "framing", "working")),
    *(f"help_{state}" for state in ("idle", "reading", "paused")),
    *(f"guide_{verdict.value}" for verdict in Verdict if verdict is not Verdict.OK),
}
"""Keys that the code puts together."""


def asked_for() -> set[str]:
    """Every text in the sources that is a key of the table, and every first argument of ``say``."""
    text = "\n".join(path.read_text() for path in SOURCES)
    said = set(re.findall(r"""\bsay\(\s*"([a-z_]+)\"""", text))
    items = {f"item_{name}" for name in re.findall(r"""_item\("([a-z_]+)\"""", text)}
    return said | items | MADE_UP


def test_every_sentence_that_is_asked_for_exists() -> None:
    assert asked_for() <= load_messages().slots().keys()


def test_no_sentence_is_there_for_nothing() -> None:
    text = "\n".join(path.read_text() for path in SOURCES)
    quoted = set(re.findall(r'"([a-z_]+)"', text))
    unused = load_messages().slots().keys() - asked_for() - quoted
    assert unused == set()


def test_fixed_sentences_have_nothing_to_fill() -> None:
    messages = load_messages()
    assert "Marked." in messages.fixed
    assert all("{" not in text for text in messages.fixed)
    with pytest.raises(KeyError):
        messages.say("saved_as", {})


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x", "not valid TOML"),
        ("language = 'de'", "it needs language"),
        ("language = 'de'\n[spoken]\nready = 3", "'ready' must be a sentence"),
        ("language = 'de'\n[spoken]\nready = ''", "'ready' must be a sentence"),
    ],
)
def test_a_translators_mistake_is_named(text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        parse_messages(text, "de.toml")
