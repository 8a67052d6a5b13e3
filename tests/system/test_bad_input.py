"""The command line as a stranger would use it, with everything that can be wrong.

Each case runs ``python -m voxedge`` in a process of its own: a clear sentence, the documented
exit code, no traceback, nothing half written.
"""

import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image, ImageDraw, ImageFilter

from voxedge.audio.devices import list_outputs
from voxedge.errors import NoSoundCard

LEAFLET = Path(__file__).parents[2] / "voxedge" / "testing" / "data" / "leaflet.jpg"
LIMIT_S = 60


def voxedge(
    *arguments: str | Path,
    text: str | bytes | None = None,
    environment: dict[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    data = text.encode() if isinstance(text, str) else text
    answer = subprocess.run(
        [sys.executable, "-m", "voxedge", *map(str, arguments)],
        input=data if data is not None else b"",
        capture_output=True,
        env={**os.environ, **(environment or {})},
        preexec_fn=before,
        timeout=LIMIT_S,
        check=False,
    )
    result = subprocess.CompletedProcess(
        answer.args, answer.returncode, answer.stdout.decode(), answer.stderr.decode()
    )
    assert "Traceback" not in result.stderr
    return result


def fails(result: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    assert result.returncode == code, result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("voxedge: ")
    assert last.endswith((".", "wav", "?")) or "apt-get install" in last or "voxedge" in last
    for part in parts:
        assert part in result.stderr


def has_loudspeaker() -> bool:
    try:
        return bool(list_outputs())
    except NoSoundCard:
        return False


def bomb(path: Path, width: int = 20_000, height: int = 10_000) -> None:
    """A valid PNG of 200 megapixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    row = b"\0" * (width // 8 + 1)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


# --- pictures ----------------------------------------------------------------------------------


def test_a_missing_file(tmp_path: Path) -> None:
    fails(voxedge("read", tmp_path / "no.jpg", "--out", tmp_path / "o.wav"), 4, "There is no file")
    assert not (tmp_path / "o.wav").exists()


def test_a_folder(tmp_path: Path) -> None:
    fails(voxedge("read", tmp_path, "--out", tmp_path / "o.wav"), 4, "is a folder")


def test_an_empty_file(tmp_path: Path) -> None:
    picture = tmp_path / "empty.jpg"
    picture.touch()
    fails(voxedge("read", picture, "--out", tmp_path / "o.wav"), 5, "0 bytes")


def test_a_text_file_named_jpg(tmp_path: Path) -> None:
    picture = tmp_path / "letter.jpg"
    picture.write_text("Dear reader, this is no picture.\n" * 50)
    fails(voxedge("read", picture, "--out", tmp_path / "o.wav"), 5, "is not a picture")


def test_a_truncated_jpeg(tmp_path: Path) -> None:
    picture = tmp_path / "half.jpg"
    picture.write_bytes(LEAFLET.read_bytes()[: LEAFLET.stat().st_size // 2])
    fails(voxedge("read", picture, "--out", tmp_path / "o.wav"), 5, "is damaged")


def test_a_200_megapixel_bomb(tmp_path: Path) -> None:
    picture = tmp_path / "bomb.png"
    bomb(picture)

    def little_memory() -> None:
        # Decoding it would need 600 MB as RGB: refused from the header, it fits easily.
        resource.setrlimit(resource.RLIMIT_DATA, (700 << 20, 700 << 20))

    result = voxedge("read", picture, "--out", tmp_path / "o.wav", before=little_memory)
    fails(result, 5, "megapixels", "the limit is 50")


def test_a_blank_page(tmp_path: Path) -> None:
    picture = tmp_path / "blank.png"
    Image.new("L", (1200, 1600), 250).save(picture)
    fails(voxedge("read", picture, "--out", tmp_path / "o.wav"), 6, "No text was found")
    assert not (tmp_path / "o.wav").exists()


def test_a_page_of_only_a_picture(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (60, 80, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize((1600, 1200), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(photo)
    draw.ellipse((300, 200, 1100, 900), fill=(200, 40, 60))
    draw.polygon([(100, 1100), (800, 300), (1500, 1100)], fill=(30, 90, 40))
    picture = tmp_path / "picture.jpg"
    photo.filter(ImageFilter.GaussianBlur(3)).save(picture)
    fails(voxedge("read", picture, "--out", tmp_path / "o.wav"), 6, "No text was found")


def test_a_good_page_after_a_bad_one_is_not_lost(tmp_path: Path) -> None:
    out = tmp_path / "o.wav"
    result = voxedge("read", tmp_path / "no.jpg", LEAFLET, "--out", out)
    fails(result, 4, "There is no file")
    assert "Paracetamol" in result.stdout
    assert soundfile.info(out).duration > 20


# --- languages and programs --------------------------------------------------------------------


def test_an_unknown_language_says_how_to_install_it(tmp_path: Path) -> None:
    result = voxedge("read", LEAFLET, "--lang", "xho", "--out", tmp_path / "o.wav")
    fails(result, 7, "'xho' is not installed", "apt-get install tesseract-ocr-xho", "eng")


def test_a_missing_tesseract(tmp_path: Path) -> None:
    result = voxedge(
        "read", LEAFLET, "--out", tmp_path / "o.wav", environment={"PATH": str(tmp_path)}
    )
    fails(result, 8, "apt-get install tesseract-ocr")


# --- voices ------------------------------------------------------------------------------------


def test_an_unknown_voice_names_the_known_ones(tmp_path: Path) -> None:
    result = voxedge("say", "hello", "--voice", "nobody", "--out", tmp_path / "o.wav")
    fails(result, 9, "no voice 'nobody'", "en_US-joe-medium")


def test_a_missing_voice_is_replaced_not_silent(tmp_path: Path) -> None:
    out = tmp_path / "o.wav"
    nowhere = {"VOXEDGE_MODELS": str(tmp_path / "models")}
    result = voxedge("say", "Take two tablets.", "--out", out, environment=nowhere)
    assert result.returncode == 0
    assert "voxedge models fetch en_US-joe-medium" in result.stderr
    samples, _ = soundfile.read(out)
    assert np.abs(samples).max() > 0.05


def test_no_voice_at_all_is_an_error(tmp_path: Path) -> None:
    nothing = {"VOXEDGE_MODELS": str(tmp_path / "models"), "PATH": str(tmp_path)}
    result = voxedge("say", "hello", "--out", tmp_path / "o.wav", environment=nothing)
    fails(result, 9, "espeak-ng")


# --- sound -------------------------------------------------------------------------------------


@pytest.mark.skipif(has_loudspeaker(), reason="this machine has a loudspeaker")
def test_no_sound_card() -> None:
    fails(voxedge("say", "hello"), 12, "No loudspeaker", "--out speech.wav")


@pytest.mark.skipif(has_loudspeaker(), reason="this machine has a loudspeaker")
def test_without_a_sound_card_the_text_is_not_lost() -> None:
    result = voxedge("read", LEAFLET)
    fails(result, 12, "No loudspeaker")
    assert "1 tablet (500 mg) every 6 hours" in result.stdout


def test_an_unknown_sound_card(tmp_path: Path) -> None:
    fails(voxedge("say", "hello", "--device", "NoSuchCard"), 12)


# --- output ------------------------------------------------------------------------------------


def test_out_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    fails(voxedge("say", "hello", "--out", tmp_path / "no" / "o.wav"), 13, "cannot be written")


def test_out_of_an_unknown_kind(tmp_path: Path) -> None:
    fails(voxedge("say", "hello", "--out", tmp_path / "o.xyz"), 13, ".wav", ".flac")


def test_a_full_disk(tmp_path: Path) -> None:
    def small_files() -> None:
        # A file-size limit is met in the same write call as a full disk, on every machine.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    out = tmp_path / "o.wav"
    result = voxedge("say", "This sentence is too long. " * 8, "--out", out, before=small_files)
    fails(result, 13, "The disk is full")
    assert list(tmp_path.iterdir()) == [], "half a file was left behind"


# --- text --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00\x07\x1b"])
def test_nothing_to_say(tmp_path: Path, text: str) -> None:
    fails(voxedge("say", "-", "--out", tmp_path / "o.wav", text=text), 6, "nothing to say")


def test_text_that_is_no_text(tmp_path: Path) -> None:
    result = voxedge("say", "-", "--out", tmp_path / "o.wav", text=b"\xff\xfe\x00\x81 caf\xe9")
    assert result.returncode in (0, 6)


def test_control_characters_and_emoji_are_survived(tmp_path: Path) -> None:
    out = tmp_path / "o.wav"
    result = voxedge(
        "say", "-", "--out", out, text="Take \x00two\x1b[31m 💊 tablets 👩‍⚕️\u202e now."
    )
    assert result.returncode == 0
    assert soundfile.info(out).duration > 0.8


def test_far_too_much_text(tmp_path: Path) -> None:
    result = voxedge("say", "-", "--out", tmp_path / "o.wav", text="word " * 2_200_000)
    fails(result, 6, "limit")


# --- words on the command line -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "required"),
        (("red",), "invalid choice"),
        (("read",), "required"),
        (("say", "x", "--rate", "fast"), "invalid float"),
        (("say", "x", "--rate", "9"), "--rate must be at most 3.0"),
        (("say", "x", "--rate", "nan"), "--rate must be at least 0.5"),
        (("doctor", "--check", "soup"), "no check 'soup'"),
    ],
)
def test_wrong_words(arguments: tuple[str, ...], part: str) -> None:
    fails(voxedge(*arguments), 2, part)


def test_a_wrong_setting_names_its_line(tmp_path: Path) -> None:
    config = tmp_path / "v.toml"
    config.write_text("[voice]\n\nrate = 'fast'\n")
    fails(voxedge("--config", config, "say", "x"), 3, "line 3")


# --- Ctrl-C ------------------------------------------------------------------------------------


def test_ctrl_c_in_the_middle_of_a_megabyte(tmp_path: Path) -> None:
    """It speaks at once, stops at once (130), and keeps what was spoken, ending in silence."""
    out = tmp_path / "o.wav"
    process = subprocess.Popen(
        [sys.executable, "-m", "voxedge", "--debug", "say", "-", "--out", str(out)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write("This goes on and on, and on, until somebody stops it. " * 20_000)
    process.stdin.close()
    for line in process.stderr:
        if "first audio" in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(LIMIT_S) == 130
    process.stderr.close()
    assert "Traceback" not in rest
    samples, _ = soundfile.read(out)
    assert len(samples) > 1000
    assert np.abs(samples[-32:]).max() < 0.01


def test_output_closed_early_does_not_end_the_speech(tmp_path: Path) -> None:
    if shutil.which("head") is None:
        pytest.skip("no head on this machine")
    out = tmp_path / "o.wav"
    command = f"'{sys.executable}' -m voxedge read '{LEAFLET}' --out '{out}' | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, timeout=LIMIT_S, check=False)
    assert b"Traceback" not in result.stderr
    assert b"failed" not in result.stderr
    assert soundfile.info(out).duration > 20
