"""Settings: whatever is wrong is named with its line; what is right arrives typed."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.config import Settings, parse_settings
from voxedge.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_an_empty_file_gives_the_defaults() -> None:
    assert parse_settings("") == Settings()


def test_values_arrive_typed() -> None:
    settings = parse_settings('[voice]\nrate = 2\nname = "x"\n[reading]\nlanguage = "fra"\n')
    assert settings.voice.rate == 2.0
    assert isinstance(settings.voice.rate, float)
    assert (settings.voice.name, settings.reading.language) == ("x", "fra")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[voice\n", "not valid TOML"),
        ("\n[vioce]\nrate = 1\n", "line 2: unknown table [vioce]; known: voice, reading"),
        ("[voice]\n\nspeed = 1\n", "line 3: unknown key 'speed' in [voice]; known: name, rate"),
        ("voice = 3\n", "[voice] must be a table"),
        ('[voice]\nrate = "fast"\n', "line 2: [voice] rate must be a number, not 'fast'"),
        ("[voice]\nrate = true\n", "must be a number, not True"),
        ("[voice]\nrate = nan\n", "must be at least 0.5"),
        ("[voice]\nrate = 9\n", "must be at most 3.0"),
        ("[voice]\nthreads = 1.5\n", "must be a whole number"),
        ("[audio]\nlatency_ms = 1\n[voice]\nrate=1", "line 2: [audio] latency_ms must be at least"),
        ("[audio]\ndevice = ['a']\n", "must be text in quotes"),
    ],
)
def test_mistakes_are_named(text: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, "my.toml")
    assert part in str(caught.value)
    assert str(caught.value).startswith("my.toml: ")
    assert caught.value.exit_code == 3


@given(st.text())
def test_no_text_does_worse_than_a_config_error(text: str) -> None:
    try:
        assert isinstance(parse_settings(text), Settings)
    except ConfigError as error:
        assert str(error)


def test_every_setting_is_documented() -> None:
    page = DOCS.read_text()
    for table in dataclasses.fields(Settings):
        heading = f"## `[{table.name}]`"
        assert heading in page
        part = page.partition(heading)[2].partition("\n## ")[0]
        for setting in dataclasses.fields(getattr(Settings(), table.name)):
            row = f"| `{setting.name}` |"
            assert row in part, row
            line = next(line for line in part.splitlines() if line.startswith(row))
            assert setting.metadata["help"] in line
