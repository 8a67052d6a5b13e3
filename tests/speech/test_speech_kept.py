"""What is kept of speech, where, and for how long: the daemon's and the command line's side."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from voxedge import compose
from voxedge.config import Settings
from voxedge.engines.tts.adaptive import AdaptiveVoice
from voxedge.engines.tts.fallback import FallbackVoice
from voxedge.engines.tts.quality import Readings
from voxedge.errors import VoiceFailed
from voxedge.flow import PcmChunk, Utterance, VoiceKind
from voxedge.reader.conversation.happenings import Deleted
from voxedge.reader.own_phrases import OwnPhrases
from voxedge.reader.session import Session
from voxedge.service import daemon
from voxedge.service.phrases import warm_phrases
from voxedge.speech.cache import SpeechCache
from voxedge.speech.phrase_cache import Origin, PhraseCache, open_recent, utterance_key
from voxedge.speech.renderer import Deadlines, Renderer
from voxedge.testing.fake_audio import run_virtual
from voxedge.testing.fake_voice import FakeVoice, Misdeed

ORIGIN = Origin("fake", "0" * 64)
SENTENCES = ("Ready.", "Stopped.", "The battery is low.")


class Speaker:
    """As much of a session as the keeping of phrases asks for."""

    speaking = False

    def __init__(self) -> None:
        self.model = SimpleNamespace(rate=1.0, work=None)

    def fixed_utterances(self):
        return (Utterance(text, rate=self.model.rate, pause_after_ms=90) for text in SENTENCES)


class ReadyWorker:
    async def wait_ready(self, limit_s: float) -> None:
        pass


def warm(voice, phrases: OwnPhrases, kept: PhraseCache | None) -> None:
    """Let the daemon's part run until it has been through its sentences."""

    async def main() -> None:
        part = asyncio.create_task(warm_phrases(Speaker(), phrases, voice, ReadyWorker(), kept))
        await asyncio.sleep(60)
        part.cancel()
        await asyncio.wait((part,))

    run_virtual(main())


def test_a_second_start_speaks_nothing_anew(tmp_path, caplog):
    folder = tmp_path / "phrases"
    warm(FakeVoice(), OwnPhrases(), PhraseCache(folder, ORIGIN))
    assert len(list(folder.glob("*.pcm"))) == len(SENTENCES)
    phrases = OwnPhrases()
    dead = FakeVoice(misdeeds=dict.fromkeys(SENTENCES, Misdeed.CRASH_MIDWAY))
    with caplog.at_level(logging.INFO):
        warm(dead, phrases, PhraseCache(folder, ORIGIN))
    assert not dead.asked
    assert all(phrases.pinned("fake", Utterance(text)) for text in SENTENCES)
    assert [item.message for item in caplog.records] == ["own phrases are kept"]


def test_without_a_folder_they_are_kept_in_the_process(tmp_path):
    phrases = OwnPhrases()
    warm(FakeVoice(), phrases, None)
    assert all(phrases.pinned("fake", Utterance(text)) for text in SENTENCES)


def test_kept_sentences_are_answered_before_the_voice_is_up(tmp_path):
    kept = PhraseCache(tmp_path / "phrases", ORIGIN)
    kept.put(Utterance("Ready."), (PcmChunk(np.ones(500, np.float32) / 4, 22_050, last=True),))
    phrases = OwnPhrases(PhraseCache(tmp_path / "phrases", ORIGIN))
    voice = FakeVoice(misdeeds={"Ready.": Misdeed.HANG})
    renderer = Renderer(voice, phrases, Deadlines())

    async def say():
        return [chunk async for chunk in renderer.stream(Utterance("Ready.", pause_after_ms=300))]

    (chunk,) = asyncio.run(say())
    assert len(chunk.samples) == 500


# -- who spoke --------------------------------------------------------------------------------


def heard(voice, utterance: Utterance, cache: SpeechCache) -> list[PcmChunk]:
    async def say():
        return [chunk async for chunk in Renderer(voice, cache, Deadlines()).stream(utterance)]

    return asyncio.run(say())


@pytest.mark.parametrize("misdeed", [Misdeed.CRASH, Misdeed.CRASH_MIDWAY])
def test_what_another_voice_said_is_not_kept_under_this_ones_name(misdeed):
    cache, dose = SpeechCache(), Utterance("Take one tablet.")
    natural = FakeVoice(name="joe", misdeeds={dose.text: misdeed})
    voice = FallbackVoice(natural, FakeVoice(name="formant"))
    assert heard(voice, dose, cache)[-1].stand_in
    assert cache.get("joe", dose) is None
    # It rests now; what is said in the meantime is not kept either.
    other = Utterance("Ready.")
    assert heard(voice, other, cache)[-1].stand_in
    assert cache.get("joe", other) is None


def test_what_the_formant_voice_says_by_right_is_kept():
    cache, letter = SpeechCache(), Utterance("b", kind=VoiceKind.FORMANT)
    voice = FallbackVoice(FakeVoice(name="joe"), FakeVoice(name="formant"))
    assert not heard(voice, letter, cache)[-1].stand_in
    assert cache.get("joe", letter) is not None


def test_what_a_hot_device_said_is_not_kept():
    cache, text = SpeechCache(), Utterance("It is warm.")
    ladder = AdaptiveVoice(
        [FakeVoice(name="joe"), FakeVoice(name="formant")], lambda: Readings(temperature_c=50)
    )
    ladder.ask_for(1)
    assert heard(ladder, text, cache)[-1].stand_in
    assert cache.get("joe", text) is None
    ladder.ask_for(0)


# -- recent speech ----------------------------------------------------------------------------


@pytest.fixture
def memory():
    """A folder in memory, as a runtime directory is."""
    if not Path("/dev/shm").is_dir():
        pytest.skip("no file system in memory here")
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def test_recent_speech_lies_in_the_runtime_directory(memory, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{memory}:/run/other")
    recent = compose.open_recent_speech(Settings())
    assert recent.folder == memory / "recent"
    cache = SpeechCache(recent=recent)
    private = Utterance("Warfarin, 5 milligrams, for Anna Jansen.")
    assert heard(FakeVoice(name=recent.voice), private, cache)
    (file,) = recent.folder.iterdir()
    assert recent.folder.stat().st_mode & 0o077 == 0
    assert b"Warfarin" not in file.name.encode() + file.read_bytes()
    # A process that died and one that comes after it.
    again = SpeechCache(recent=compose.open_recent_speech(Settings()))
    assert again.get(recent.voice, private) is not None
    again.clear()
    assert not list(recent.folder.iterdir())


def test_a_users_runtime_directory_serves_too(memory, monkeypatch):
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(memory))
    assert compose.open_recent_speech(Settings()).folder == memory / "voxedge" / "recent"


def test_no_memory_no_recent_speech(tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    assert compose.open_recent_speech(Settings()) is None

    def refuse(folder, origin):
        return open_recent(folder, origin, mounts="/dev/sda1 / ext4 rw 0 0\n")

    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setattr("voxedge.speech.phrase_cache.open_recent", refuse)
    with caplog.at_level(logging.INFO):
        assert compose.open_recent_speech(Settings()) is None
    assert "is on ext4" in caplog.text
    assert not list(tmp_path.iterdir())


def test_the_order_of_use_outlives_the_process(memory):
    mounts = f"tmpfs {memory} tmpfs rw 0 0\n"
    folder = memory / "recent"

    def sound(level):
        return (PcmChunk(np.full(1000, level, np.float32), 22_050, last=True),)

    first = open_recent(folder, ORIGIN, mounts=mounts)
    for index, text in enumerate(("one", "two", "three")):
        first.put(Utterance(text), sound(0.1))
        path = folder / f"{utterance_key(Utterance(text), ORIGIN)}.pcm"
        os.utime(path, (1000 + index, 1000 + index))
    first.get(Utterance("one"))
    size = first.held_bytes // 3
    second = open_recent(folder, ORIGIN, capacity_bytes=3 * size, mounts=mounts)
    second.put(Utterance("four"), sound(0.2))
    assert Utterance("one") in second
    assert Utterance("two") not in second


def test_the_daemon_takes_both_of_its_own_voice_only(memory, monkeypatch):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(memory))
    settings = Settings()
    facts = SimpleNamespace(name=settings.voice.name)
    kept, recent = daemon._kept_speech(settings, SimpleNamespace(facts=facts))
    assert kept.voice == recent.voice == settings.voice.name
    for other in (None, SimpleNamespace(name="fake")):
        assert daemon._kept_speech(settings, SimpleNamespace(facts=other)) == (None, None)


def test_forgetting_a_document_forgets_its_sound():
    cache = SpeechCache()
    cache.put("fake", Utterance("Secret."), (PcmChunk(np.ones(9, np.float32), 22_050, last=True),))
    session = SimpleNamespace(
        _parts=SimpleNamespace(cache=cache), _model=None, _world=lambda: None, _perform=id
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxedge.reader.session.hear", lambda model, event, world: None)
        Session._happened(session, Deleted(3))
    assert cache.held_bytes == 0


def test_a_failing_voice_leaves_nothing_half(tmp_path):
    cache, text = SpeechCache(), Utterance("Take two.")
    with pytest.raises(VoiceFailed):
        heard(FakeVoice(misdeeds={text.text: Misdeed.CRASH_MIDWAY}), text, cache)
    assert cache.held_bytes == 0
