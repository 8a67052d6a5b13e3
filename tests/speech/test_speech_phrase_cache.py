from __future__ import annotations

import asyncio
import errno
import logging
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxedge.errors import DiskFull
from voxedge.flow import PcmChunk, Utterance, VoiceKind
from voxedge.service.fixed_phrases import fixed_phrases, phrase_utterances
from voxedge.speech import phrase_cache
from voxedge.speech.cache import SpeechCache
from voxedge.speech.phrase_cache import (
    CHUNK_SAMPLES,
    Origin,
    PhraseCache,
    PrivacyRefused,
    decode,
    encode,
    open_recent,
    utterance_key,
)
from voxedge.speech.planner import Style
from voxedge.speech.prepare import phrase_sound, prepare_phrases
from voxedge.testing.fake_voice import FakeVoice, Misdeed

ORIGIN = Origin("fake", "0" * 64)
RATE_HZ = 22_050


def sound(samples=10_000, level=0.25):
    tone = level * np.sin(np.arange(samples, dtype=np.float32) / 20)
    return (PcmChunk(tone[:100], RATE_HZ), PcmChunk(tone[100:], RATE_HZ, last=True))


def joined(chunks):
    return np.concatenate([chunk.samples for chunk in chunks])


def cache(folder, **options):
    return PhraseCache(folder / "phrases", ORIGIN, **options)


# -- keys -------------------------------------------------------------------------------------

utterances = st.builds(
    Utterance,
    text=st.text(max_size=30),
    language=st.sampled_from(["en", "en-US", "cmn"]),
    kind=st.sampled_from(VoiceKind),
    rate=st.floats(0.5, 3.0),
    seed=st.integers(0, 2**64),
)


@given(utterances, utterances)
def test_two_utterances_share_a_key_only_if_they_are_one(one, other):
    assert (utterance_key(one, ORIGIN) == utterance_key(other, ORIGIN)) == (one == other)


@given(utterances, st.integers(0, 5000))
def test_the_pause_behind_it_is_no_part_of_the_sound(utterance, pause_ms):
    paused = replace(utterance, pause_after_ms=pause_ms)
    assert utterance_key(paused, ORIGIN) == utterance_key(utterance, ORIGIN)


@pytest.mark.parametrize(
    "origin",
    [Origin("other", "0" * 64), Origin("fake", "1" * 64), Origin("fake", "0" * 64, "lexicon 2")],
)
def test_another_voice_model_or_lexicon_is_another_sound(origin):
    utterance = Utterance("Take one tablet.")
    assert utterance_key(utterance, origin) != utterance_key(utterance, ORIGIN)


def test_fields_do_not_run_into_each_other():
    one = utterance_key(Utterance("ab", language="c"), ORIGIN)
    assert one != utterance_key(Utterance("a", language="bc"), ORIGIN)


def test_a_dose_is_stored_whole_and_its_parts_are_other_utterances(tmp_path):
    store = cache(tmp_path)
    store.put(Utterance("Take two tablets of five hundred milligrams."), sound())
    for part in ("Take two tablets", "of five hundred milligrams.", "Take two tablets of five."):
        assert store.get(Utterance(part)) is None


# -- files ------------------------------------------------------------------------------------


@given(
    hnp.arrays(np.float32, st.integers(0, 3 * CHUNK_SAMPLES), elements=st.floats(-1, 1, width=32)),
    st.integers(4_000, 192_000),
)
def test_what_is_stored_comes_back_to_the_step_of_16_bits(samples, rate_hz):
    chunks = decode(encode((PcmChunk(samples, rate_hz, last=True),)))
    assert chunks is not None
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(c.rate_hz == rate_hz and len(c.samples) <= CHUNK_SAMPLES for c in chunks)
    np.testing.assert_allclose(joined(chunks), samples, atol=0.51 / 32767)


@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_sound_that_are_none(data):
    assert decode(data) is None


@given(st.data())
def test_one_changed_byte_anywhere_is_seen(data):
    whole = bytearray(encode(sound(500)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    assert decode(bytes(whole)) is None


@given(st.integers(0, 1100))
def test_a_file_that_breaks_off_is_seen(length):
    whole = encode(sound(500))
    assert decode(whole[: min(length, len(whole) - 1)]) is None
    assert decode(whole + b"\0") is None


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (PcmChunk(np.zeros(9, dtype=np.float32), RATE_HZ),),
        (sound()[1], sound()[1]),
        (PcmChunk(np.zeros(9, dtype=np.float32), 8000), sound()[1]),
    ],
    ids=["nothing", "unfinished", "two ends", "two rates"],
)
def test_what_is_no_whole_utterance_is_refused(tmp_path, chunks):
    with pytest.raises(ValueError, match=r"whole|rate"):
        cache(tmp_path).put(Utterance("x"), chunks)
    assert not list(tmp_path.rglob("*.pcm"))


def test_a_hit_survives_the_process(tmp_path):
    assert cache(tmp_path).put(Utterance("Ready."), sound())
    again = cache(tmp_path)
    assert Utterance("Ready.") in again
    np.testing.assert_allclose(joined(again.get(Utterance("Ready."))), joined(sound()), atol=2e-5)
    assert again.get(Utterance("Not ready.")) is None


def test_a_damaged_file_is_dropped_and_told_without_its_text(tmp_path, caplog):
    store = cache(tmp_path)
    store.put(Utterance("Secret words."), sound())
    (path,) = store.folder.glob("*.pcm")
    path.write_bytes(path.read_bytes()[:-3])
    with caplog.at_level(logging.DEBUG):
        assert store.get(Utterance("Secret words.")) is None
    assert not path.exists()
    assert "damaged" in caplog.text
    assert "ecret" not in caplog.text
    assert "ecret" not in path.name


def test_the_least_recently_used_goes_first(tmp_path):
    size = len(encode(sound()))
    store = cache(tmp_path, capacity_bytes=3 * size)
    for name in "abc":
        store.put(Utterance(name), sound())
    store.get(Utterance("a"))
    store.put(Utterance("d"), sound())
    assert [name for name in "abcd" if Utterance(name) in store] == ["a", "c", "d"]
    assert store.held_bytes == 3 * size == sum(p.stat().st_size for p in store.folder.iterdir())


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(200, 3000)), max_size=25))
def test_it_never_takes_more_than_it_may(tmp_path_factory, steps):
    store = cache(tmp_path_factory.mktemp("c"), capacity_bytes=9000)
    for name, samples in steps:
        held = store.put(Utterance(name), sound(samples))
        assert held == (Utterance(name) in store)
        on_disk = sum(path.stat().st_size for path in store.folder.glob("*"))
        assert on_disk == store.held_bytes <= 9000


def test_what_is_larger_than_the_cache_is_not_held(tmp_path):
    store = cache(tmp_path, capacity_bytes=1000)
    assert not store.put(Utterance("long"), sound())
    assert store.held_bytes == 0


# -- disks ------------------------------------------------------------------------------------


def test_a_full_disk_is_told_once_and_speech_goes_on(tmp_path, monkeypatch, caplog):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = cache(tmp_path)
    monkeypatch.setattr(phrase_cache.tempfile, "mkstemp", full)
    with caplog.at_level(logging.WARNING):
        assert not store.put(Utterance("a"), sound())
        assert not store.put(Utterance("b"), sound())
    assert caplog.text.count("No space left") == 1
    assert store.get(Utterance("a")) is None


def test_a_write_that_breaks_off_leaves_nothing(tmp_path, monkeypatch):
    def broken(self, target):
        raise OSError(errno.EIO, "Input/output error")

    store = cache(tmp_path)
    monkeypatch.setattr(Path, "replace", broken)
    assert not store.put(Utterance("a"), sound())
    assert list(store.folder.iterdir()) == []


def test_what_a_power_cut_left_half_written_is_swept_away(tmp_path):
    store = cache(tmp_path)
    store.put(Utterance("a"), sound())
    stale, fresh = store.folder / ".new-old", store.folder / ".new-now"
    stale.write_bytes(b"half")
    fresh.write_bytes(b"being written")
    os.utime(stale, (0, 0))
    assert Utterance("a") in cache(tmp_path)
    assert fresh.exists()
    assert not stale.exists()


def test_a_file_that_vanished_is_no_hit_and_no_failure(tmp_path):
    store = cache(tmp_path)
    store.put(Utterance("a"), sound())
    for path in store.folder.iterdir():
        path.unlink()
    assert store.get(Utterance("a")) is None


def test_an_unreadable_file_is_no_hit(tmp_path, caplog):
    store = cache(tmp_path)
    store.put(Utterance("a"), sound())
    (path,) = store.folder.glob("*.pcm")
    path.unlink()
    path.mkdir()
    with caplog.at_level(logging.WARNING):
        assert store.get(Utterance("a")) is None
    assert "cannot be read" in caplog.text


# -- privacy ----------------------------------------------------------------------------------

MOUNTS = (
    "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n"
    "/dev/sda2 /run/media ext4 rw 0 0\ntmpfs /with\\040space tmpfs rw 0 0\nbroken\n"
)


@pytest.mark.parametrize("place", ["/run/voxedge/recent", "/with space/recent"])
def test_recent_speech_may_lie_in_memory(place):
    assert open_recent(Path(place), ORIGIN, mounts=MOUNTS).folder == Path(place)


@pytest.mark.parametrize("place", ["/var/lib/voxedge/recent", "/run/media/recent", "/runner"])
def test_recent_speech_is_refused_on_a_disk(place):
    with pytest.raises(PrivacyRefused, match="ext4"):
        open_recent(Path(place), ORIGIN, mounts=MOUNTS)


def test_this_machines_own_mounts_are_understood():
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    if ["/dev/shm", "tmpfs"] not in mounts:
        pytest.skip("/dev/shm is no tmpfs on this machine")
    assert open_recent(Path("/dev/shm/voxedge-test"), ORIGIN).held_bytes == 0


# -- behind the cache in memory ---------------------------------------------------------------


def test_memory_comes_first_then_the_phrases_then_what_was_recent(tmp_path):
    phrases = PhraseCache(tmp_path / "phrases", ORIGIN)
    recent = PhraseCache(tmp_path / "recent", ORIGIN)
    phrases.put(Utterance("Ready."), sound())
    held = SpeechCache(phrases=phrases, recent=recent)
    assert held.get("fake", Utterance("Ready.")) is not None
    phrases.clear()
    assert held.get("fake", Utterance("Ready.", pause_after_ms=400)) is not None
    held.put("fake", Utterance("A page."), sound())
    after_restart = SpeechCache(phrases=phrases, recent=PhraseCache(tmp_path / "recent", ORIGIN))
    assert after_restart.get("fake", Utterance("A page.")) is not None
    assert phrases.held_bytes == 0  # never written to while reading


def test_nothing_of_another_voice_is_taken_or_kept(tmp_path):
    recent = PhraseCache(tmp_path / "recent", ORIGIN)
    recent.put(Utterance("Ready."), sound())
    held = SpeechCache(recent=recent)
    assert held.get("another", Utterance("Ready.")) is None
    held.put("another", Utterance("A page."), sound())
    held.put("fake", Utterance("a", kind=VoiceKind.FORMANT), sound())
    assert len(list(recent.folder.iterdir())) == 1


def test_forgetting_forgets_what_is_recent_and_keeps_the_phrases(tmp_path):
    phrases = PhraseCache(tmp_path / "phrases", ORIGIN)
    recent = PhraseCache(tmp_path / "recent", ORIGIN)
    phrases.put(Utterance("Ready."), sound())
    held = SpeechCache(phrases=phrases, recent=recent)
    held.put("fake", Utterance("A page."), sound())
    held.clear()
    assert held.get("fake", Utterance("A page.")) is None
    assert list(recent.folder.iterdir()) == []
    assert held.get("fake", Utterance("Ready.")) is not None


# -- the device's own phrases -----------------------------------------------------------------


def test_the_fixed_phrases_are_whole_sentences_without_slots():
    phrases = fixed_phrases()
    assert len(phrases) > 100
    assert not [text for text in phrases if "{" in text or not text.strip()]
    assert "I am getting too hot. Please move me to a cooler place, away from the sun." in phrases
    assert not [text for text in phrases if "My natural voice is damaged" in text]


def test_each_phrase_is_prepared_whole_and_as_it_is_planned():
    said = list(phrase_utterances(["Stopped. Press the button."], Style(rate=1.2)))
    assert said[0].text == "Stopped. Press the button."
    assert {"Stopped.", "Press the button."} <= {utterance.text for utterance in said}
    assert {utterance.rate for utterance in said} == {1.2}
    assert len(said) == len(set(said))


def prepare(voice, store, texts, **options):
    return asyncio.run(prepare_phrases(voice, store, [Utterance(t) for t in texts], **options))


def test_preparing_goes_on_where_it_was_broken_off(tmp_path):
    store, done = cache(tmp_path), []
    assert prepare(FakeVoice(), store, ["One.", "Two."], on_done=lambda: done.append(1)) == 0
    assert len(done) == 2
    crashing = FakeVoice(misdeeds={"One.": Misdeed.CRASH_MIDWAY, "Two.": Misdeed.CRASH_MIDWAY})
    assert prepare(crashing, store, ["One.", "Two."]) == 0


def test_a_phrase_that_fails_is_left_out(tmp_path):
    store = cache(tmp_path)
    voice = FakeVoice(misdeeds={"Two.": Misdeed.CRASH_MIDWAY})
    assert prepare(voice, store, ["One.", "Two.", "Three."]) == 1
    assert Utterance("Two.") not in store
    assert Utterance("Three.") in store


def test_a_full_disk_ends_the_preparing(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(phrase_cache.tempfile, "mkstemp", full)
    with pytest.raises(DiskFull):
        prepare(FakeVoice(), cache(tmp_path), ["One."])


def test_the_sound_of_a_phrase_is_made_once(tmp_path):
    store, asked = cache(tmp_path), []

    class Asked(FakeVoice):
        def stream(self, utterance):
            asked.append(utterance.text)
            return super().stream(utterance)

    def sound_of(text, kept):
        return asyncio.run(phrase_sound(Asked(), Utterance(text), kept))

    first, second = sound_of("Ready.", store), sound_of("Ready.", store)
    np.testing.assert_allclose(joined(first), joined(second), atol=2e-5)
    assert asked == ["Ready."]
    sound_of("Ready.", None)
    assert asked == ["Ready."] * 2
