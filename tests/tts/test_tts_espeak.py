"""The formant voice with the real espeak-ng, and with programs that only pretend."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxedge.engines.tts.espeak import EspeakVoice, parse_voices, speakable
from voxedge.errors import EmptyText, FormantVoiceMissing, VoiceFailed
from voxedge.flow import PcmChunk, Utterance

real = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")

LISTING = """Pty Language       Age/Gender VoiceName          File                 Other Languages
 5  cmn             --/M      Chinese_(Mandarin) sit/cmn              (zh-cmn 5)(zh 5)
 2  en-gb           --/M      English_(GB)       gmw/en               (en 2)
 2  en-us           --/M      English_(America)  gmw/en-US            (en 3)
"""


def speak(voice: EspeakVoice, text: str, **changes: Any) -> list[PcmChunk]:
    async def collect() -> list[PcmChunk]:
        return [chunk async for chunk in voice.stream(Utterance(text, **changes))]

    return asyncio.run(collect())


def length(chunks: list[PcmChunk]) -> int:
    return sum(len(chunk.samples) for chunk in chunks)


def pretender(tmp_path: Path, script: str) -> EspeakVoice:
    """A program that lists voices like espeak-ng and then does as told."""
    program = tmp_path / "espeak-ng"
    program.write_text(
        f"#!{sys.executable}\nimport os, pathlib, struct, sys, time\n"
        f"if '--voices' in sys.argv:\n    print('''{LISTING}''')\n    sys.exit()\n"
        "head = b'RIFF' + b'0000WAVEfmt ' + struct.pack('<IHHIIHH', 16, 1, 1, 22050, 44100, 2, 16)"
        " + b'data0000'\n"
        f"def say(*parts):\n    [sys.stdout.buffer.write(p) for p in parts]; sys.stdout.flush()\n"
        f"pidfile = pathlib.Path({str(tmp_path / 'pid')!r})\npidfile.write_text(str(os.getpid()))\n"
        + script,
        encoding="utf-8",
    )
    program.chmod(0o755)
    return EspeakVoice(str(program), deadline_s=0.5)


@real
def test_it_speaks() -> None:
    chunks = speak(EspeakVoice(), "Take one tablet twice a day.", language="en-US")
    assert [chunk.last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    samples = np.concatenate([chunk.samples for chunk in chunks])
    assert samples.dtype == np.float32
    assert 0.2 < np.abs(samples).max() <= 1.0
    assert 1.0 < len(samples) / 22_050 < 3.0


@real
def test_rate() -> None:
    voice, text = EspeakVoice(), "Take one tablet twice a day with plenty of water."
    normal = length(speak(voice, text))
    assert length(speak(voice, text, rate=3.0)) < normal / 2
    assert length(speak(voice, text, rate=0.5)) > normal * 1.6


@real
def test_languages_and_letters() -> None:
    voice = EspeakVoice()
    known = asyncio.run(voice.languages())
    assert {"de", "en-us", "cmn", "zh"} <= known
    for text, language in (("Guten Tag", "de-DE"), ("你好", "zh-CN"), ("b", "en"), ("x", "qq")):
        assert length(speak(voice, text, language=language)) > 2000


@real
def test_the_lexicons_phonemes_are_spoken_not_spelled() -> None:
    voice = EspeakVoice()
    block = length(speak(voice, "[[pæɹəsˈiːɾəmɑːl]]"))
    assert block == pytest.approx(length(speak(voice, "paracetamol")), rel=0.3)


@real
@pytest.mark.parametrize(
    "text", ["; rm -rf /", "-v klingon", "--version", "$(id) `id`", "<p>a</p>"]
)
def test_text_is_never_an_option_or_a_command(text: str) -> None:
    assert length(speak(EspeakVoice(), text)) > 2000


@real
def test_punctuation_alone_is_spoken_or_nothing() -> None:
    for text in (".", "...", ",", "?", "—", "🙂"):
        try:
            assert length(speak(EspeakVoice(), text)) > 100
        except EmptyText:
            assert not text.isalnum()


@pytest.mark.parametrize("text", ["", " \n", "\x00"])
def test_nothing_to_say(text: str) -> None:
    with pytest.raises(EmptyText):
        speak(EspeakVoice("/nowhere/espeak-ng"), text)


def test_a_missing_program() -> None:
    with pytest.raises(FormantVoiceMissing, match="apt-get install espeak-ng"):
        speak(EspeakVoice("/nowhere/espeak-ng"), "hello")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("sys.exit(3)", "ended with 3"),
        ("say(b'this is no sound at all, whatever you may think of it')", "no sound"),
        ("say(head)", "made no sound"),
        ("say(head.replace(struct.pack('<I', 22050), struct.pack('<I', 8000)))", "8000 Hz"),
        ("say(head, b'xy' * 9000); sys.exit(1)", "ended with 1"),
        ("say(head, b'xy' * 9000); time.sleep(60)", "did not answer"),
        ("time.sleep(60)", "did not answer"),
        ("os.abort()", "made no sound"),
    ],
)
def test_a_program_that_misbehaves(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(VoiceFailed, match=said):
        speak(pretender(tmp_path, script), "hello")
    pid = int((tmp_path / "pid").read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_stopped_utterance_leaves_no_child(tmp_path: Path) -> None:
    voice = pretender(tmp_path, "say(head, b'xy' * 50000); time.sleep(60)")

    async def stop_after_first() -> None:
        stream = voice.stream(Utterance("hello"))
        assert len((await anext(aiter(stream))).samples) == 4096
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(stop_after_first())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)


def test_listing() -> None:
    assert parse_voices(LISTING) == {"cmn", "zh-cmn", "zh", "en-gb", "en-us", "en"}
    assert parse_voices("") == frozenset()


def test_phonemes_in_espeaks_letters() -> None:
    assert speakable("a [[pˈiːtʃ]] b") == "a [[p'i:tS]] b"
    assert speakable("[[☃ŋ]]") == "[[N]]"
