"""The bench of camera faults: a real worker, one fault, its figures and its verdict."""

import shutil

import pytest

from voxedge.bench.camera import HANG_LIMIT_MS, Trial, bars, run, table


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_pulled_plug_is_timed_in_both_phases() -> None:
    result = run(engines="fake", faults=("unplugged",))
    trials = result["trials"]
    assert [row["phase"] for row in trials] == ["framing", "shooting"]
    for row in trials:
        assert row["told"] in ("CameraLost", "CameraMissing")
        assert 0 < row["noticed_ms"] < row["heard_ms"]
        assert row["back_ms"] < row["picture_ms"] < 25_000
        assert row["document_kept"]
    assert "unplugged" in table(result)


def test_one_late_fault_or_one_lost_document_misses_its_bar() -> None:
    good = Trial("black", "framing", "CameraBlack", 900.0, 950.0, 100.0, 900.0, True)
    late = Trial("hangs", "framing", "CameraLost", 2100.0, 2150.0, 9000.0, 9900.0, False)
    assert all(bar.met for bar in bars([good]))
    missed = {bar.name for bar in bars([good, late]) if not bar.met}
    assert missed == {"fault noticed", "fault told aloud", "documents lost"}
    assert late.back_ms < HANG_LIMIT_MS, "a hung driver is no return"
