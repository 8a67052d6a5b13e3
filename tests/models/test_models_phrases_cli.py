from __future__ import annotations

import errno
import json

import pytest
from installed_voice import NAME, install_tiny_voice

from voxedge.cli.main import main
from voxedge.compose import open_phrases
from voxedge.config import Settings, overlay
from voxedge.service import fixed_phrases
from voxedge.speech import phrase_cache
from voxedge.speech.planner import Style

PHRASES = ("Ready.", "I am back. Press the button.")


@pytest.fixture
def voice_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(fixed_phrases, "fixed_phrases", lambda: PHRASES)
    monkeypatch.setenv("VOXEDGE_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return install_tiny_voice(tmp_path / "models", monkeypatch)


def test_phrases_are_spoken_once_and_found_by_the_device(voice_folder, capsys):
    assert main(["models", "phrases", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["voice"] == NAME
    assert (told["phrases"], told["failed"]) == (4, 0)
    cache = open_phrases(Settings())
    assert told["bytes"] == cache.held_bytes > 1000
    for utterance in fixed_phrases.phrase_utterances(PHRASES, Style()):
        chunks = cache.get(utterance)
        assert chunks is not None
        assert chunks[0].rate_hz == 16_000
    stamps = {path: path.stat().st_mtime_ns for path in cache.folder.iterdir()}
    assert main(["models", "phrases"]) == 0
    assert stamps == {path: path.stat().st_mtime_ns for path in cache.folder.iterdir()}
    assert "4 phrases" in capsys.readouterr().out


def test_another_rate_is_another_sound(voice_folder, capsys):
    assert main(["models", "phrases", "--rate", "1.25"]) == 0
    assert not set(fixed_phrases.phrase_utterances(PHRASES, Style())) & set(
        fixed_phrases.phrase_utterances(PHRASES, Style(rate=1.25))
    )
    (utterance, *_) = fixed_phrases.phrase_utterances(PHRASES, Style())
    assert utterance not in open_phrases(Settings())


def test_a_full_disk_is_a_clear_error(voice_folder, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(phrase_cache.tempfile, "mkstemp", full)
    code = main(["models", "phrases"])
    assert code != 0
    assert "full" in capsys.readouterr().err.lower()


def test_a_changed_lexicon_makes_every_kept_phrase_another(voice_folder, tmp_path):
    file = tmp_path / "words.toml"
    file.write_text('[words]\n"Ready" = "red E"\n')
    plain = open_phrases(Settings())
    changed = open_phrases(overlay(Settings(), {"lexicon.file": str(file)}, "test"))
    (utterance, *_) = fixed_phrases.phrase_utterances(PHRASES, Style())
    main(["models", "phrases"])
    assert plain.get(utterance) is not None
    assert changed.get(utterance) is None
