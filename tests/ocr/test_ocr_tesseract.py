import os
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge import errors
from voxedge.engines.ocr.languages import bcp47, debian_package, is_unspaced
from voxedge.engines.ocr.lexicon import load_lexicon
from voxedge.engines.ocr.reader import TesseractReader
from voxedge.engines.ocr.tesseract import (
    find_installation,
    installed_languages,
    parse_tsv,
    recognise,
)

COLUMNS = ("level page_num block_num par_num line_num word_num left top width height", "conf text")
HEADER = " ".join(COLUMNS).replace(" ", "\t")
BLANK = np.full((60, 200), 255, np.uint8)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a shell script in tesseract's place; it answers the two questions sensibly."""

    def install(recognition: str) -> None:
        script = tmp_path / "tesseract"
        script.write_text(
            "#!/bin/sh\n"
            'case "$1" in\n'
            "  --version) echo 'tesseract 5.9.9'; exit 0;;\n"
            "  --list-langs) printf 'List in \"/nowhere/\" (1):\\neng\\n'; exit 0;;\n"
            "esac\n"
            f"{recognition}\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return install


def test_the_real_one_is_found() -> None:
    found = find_installation()
    assert found.version[0].isdigit()
    assert "eng" in found.languages
    assert "osd" not in found.languages
    assert found.tessdata is not None
    assert (found.tessdata / "eng.traineddata").is_file()
    assert installed_languages() == list(found.languages)


def test_missing_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.OcrMissing):
        find_installation()
    with pytest.raises(errors.OcrMissing):
        recognise(BLANK, "eng", psm=6, timeout_s=5)


def test_missing_language_names_the_package() -> None:
    with pytest.raises(errors.LanguageMissing) as caught:
        find_installation().require("eng+xyz_abc")
    assert caught.value.details["language"] == "xyz_abc"
    assert "eng" in str(caught.value)
    assert "tesseract-ocr-xyz-abc" in str(caught.value)


def test_crash(fake) -> None:
    fake("kill -SEGV $$")
    with pytest.raises(errors.OcrFailed, match="status"):
        recognise(BLANK, "eng", psm=6, timeout_s=5)


def test_failing_exit(fake) -> None:
    fake("echo 'page text that must not leak' >&2; exit 3")
    with pytest.raises(errors.OcrFailed, match="status 3") as caught:
        recognise(BLANK, "eng", psm=6, timeout_s=5)
    assert "leak" not in str(caught.value)


def test_hang_is_ended(fake) -> None:
    fake("exec sleep 600")
    started = time.monotonic()
    with pytest.raises(errors.OcrFailed, match="within"):
        recognise(BLANK, "eng", psm=6, timeout_s=0.3)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "answer",
    [
        "garbage",
        "",
        f"{HEADER}\\n5\\tx",
        f"{HEADER}\\n5\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t9\\t9\\tnan\\tA",
    ],
)
def test_garbage_answer(fake, answer: str) -> None:
    fake(f"printf '{answer}' > \"$2.tsv\"")
    with pytest.raises(errors.OcrFailed):
        recognise(BLANK, "eng", psm=6, timeout_s=5)


def test_bytes_that_are_no_text(fake) -> None:
    fake("printf '\\377\\376\\000' > \"$2.tsv\"")
    with pytest.raises(errors.OcrFailed):
        recognise(BLANK, "eng", psm=6, timeout_s=5)


def test_no_answer_at_all(fake) -> None:
    fake("exit 0")
    with pytest.raises(errors.OcrFailed):
        recognise(BLANK, "eng", psm=6, timeout_s=5)


def test_a_silent_version(fake, tmp_path: Path) -> None:
    fake("")
    script = tmp_path / "tesseract"
    script.write_text("#!/bin/sh\necho hello\n")
    with pytest.raises(errors.OcrFailed, match="version"):
        TesseractReader()


def test_blank_picture_has_no_words() -> None:
    assert recognise(BLANK, "eng", psm=6, timeout_s=30) == []


def test_quotes_and_odd_separators_survive() -> None:
    row = '5\t1\t1\t1\t1\t1\t3\t4\t10\t20\t91.5\t"x\u2028y'
    (word,) = parse_tsv(f"{HEADER}\n{row}\n")
    assert word.text == '"x\u2028y'
    assert (word.left, word.top, word.right, word.bottom) == (3, 4, 13, 24)
    assert word.confidence == pytest.approx(0.915)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_answer_is_words_or_ocr_failed(answer: str) -> None:
    for text in (answer, f"{HEADER}\n{answer}", f"{HEADER}\n5\t{answer}"):
        try:
            words = parse_tsv(text)
        except errors.OcrFailed:
            continue
        assert all(word.text and 0 <= word.confidence <= 1 for word in words)


@pytest.mark.parametrize(
    ("code", "tag", "package"),
    [
        ("eng", "en", "eng"),
        ("fra", "fr", "fra"),
        ("tur+eng", "tr", "tur+eng"),
        ("chi_sim", "zh-Hans", "chi-sim"),
        ("chi_tra_vert", "zh-Hant", "chi-tra-vert"),
        ("xyz", "xyz", "xyz"),
    ],
)
def test_language_codes(code: str, tag: str, package: str) -> None:
    assert bcp47(code) == tag
    assert debian_package(code) == package


def test_scripts_without_spaces() -> None:
    assert is_unspaced("chi_sim")
    assert is_unspaced("jpn_vert+eng")
    assert not is_unspaced("eng+chi_sim")


def test_the_word_list_inside_the_language_data() -> None:
    folder = find_installation().tessdata
    assert folder is not None
    lexicon = load_lexicon(folder / "eng.traineddata")
    assert lexicon is not None
    for word in ("the", "tablet", "Tablet", "TABLET", "headache", "doctor's"):
        assert word in lexicon, word
    for word in ("qzxv", "docter", "", "thhe", "headach€"):
        assert word not in lexicon, word


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_damaged_language_data_has_no_word_list(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("data") / "eng.traineddata"
    path.write_bytes(content)
    assert load_lexicon(path) is None
