"""``voxedge tune-voice``: weak commands are told, thresholds only ever follow what was right."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import Action
from voxedge.commands.grammar import build
from voxedge.commands.language import available, load
from voxedge.commands.parse import threshold
from voxedge.errors import OutputUnwritable
from voxedge.inputs.tuning import LOWEST, Trial, changed_thresholds, judge, prompts
from voxedge.service.tuning import FILE, load_thresholds, save_thresholds


def said(action: Action, *confidences: float, heard: Action | None = None) -> list[Trial]:
    return [Trial(action, action.label, heard or action, c) for c in confidences]


def test_a_quiet_voice_gets_a_lower_threshold() -> None:
    (verdict,) = judge(said(Action.NEXT_PAGE, 0.45, 0.7))
    assert (verdict.right, verdict.least, verdict.after) == (2, 0.45, 0.4)
    assert verdict.weak, "it would have been refused"
    assert changed_thresholds((verdict,)) == {"next-page": 0.4}


def test_a_clear_voice_changes_nothing() -> None:
    (verdict,) = judge(said(Action.NEXT_PAGE, 0.9, 0.95))
    assert not verdict.weak
    assert changed_thresholds((verdict,)) == {}


def test_what_was_heard_as_something_else_is_weak_and_gets_no_leniency() -> None:
    trials = [*said(Action.SLOWER, 0.4), *said(Action.SLOWER, 0.9, heard=Action.LOUDER)]
    (verdict,) = judge(trials)
    assert verdict.weak
    assert verdict.after == verdict.before


@pytest.mark.parametrize("action", [Action.DELETE, Action.SHUT_DOWN])
def test_what_cannot_be_undone_stays_strict(action: Action) -> None:
    (verdict,) = judge(said(action, 0.35, 0.4))
    assert verdict.after == verdict.before == threshold(action)
    assert verdict.weak


@given(
    st.lists(
        st.tuples(st.sampled_from([Action.READ, Action.STOP, Action.DELETE]), st.floats(0, 1)),
        max_size=12,
    )
)
def test_thresholds_only_fall_and_never_too_far(raw: list[tuple[Action, float]]) -> None:
    verdicts = judge([Trial(action, "", action, confidence) for action, confidence in raw])
    for verdict in verdicts:
        assert min(LOWEST, verdict.before) <= verdict.after <= verdict.before
        assert verdict.said >= verdict.right > 0


@pytest.mark.parametrize("tag", available())
def test_every_language_is_asked_for_everyday_commands(tag: str) -> None:
    asked = dict(prompts(build(load(tag))))
    assert {Action.READ, Action.STOP, Action.NEXT_SENTENCE, Action.YES} <= asked.keys()
    assert all("{" not in phrase for phrase in asked.values())


# -- the file --------------------------------------------------------------------------------------


def test_each_language_keeps_its_own(tmp_path: Path) -> None:
    assert load_thresholds(tmp_path, "en") == {}
    save_thresholds(tmp_path, "en", {"stop": 0.35})
    save_thresholds(tmp_path, "ko", {"read": 0.45})
    assert load_thresholds(tmp_path, "en") == {"stop": 0.35}
    assert load_thresholds(tmp_path, "ko") == {"read": 0.45}
    assert load_thresholds(tmp_path, "zh") == {}


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"en": 3}',
        '{"en": {"fly": 0.5}}',
        '{"en": {"stop": 0.0}}',
        '{"en": {"stop": "x"}}',
    ],
)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert load_thresholds(tmp_path, "en") == {}
    save_thresholds(tmp_path, "en", {"stop": 0.3})
    assert load_thresholds(tmp_path, "en") == {"stop": 0.3}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(OutputUnwritable):
        save_thresholds(tmp_path / "state", "en", {})


# -- the command -----------------------------------------------------------------------------------


def tune(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "voxedge", "tune-voice", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result


@pytest.mark.slow
def test_recordings_are_judged_and_not_kept(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    said_folder, state = tmp_path / "said", tmp_path / "state"
    said_folder.mkdir()
    wrong = {"list_headings-2": "potatoes and carrots"}
    for name in ("list_headings-1", "list_headings-2", "where_am_i"):
        phrase = wrong.get(name, name.removesuffix("-1").replace("_", " "))
        command = ["espeak-ng", "-v", "en-us+f2", "-s", "150", "-w"]
        subprocess.run([*command, str(said_folder / f"{name}.wav"), phrase], check=True)
    save_thresholds(state, "en", {"stop": 0.33})
    result = tune("--wav", said_folder, "--state", state, "--json")
    assert result.returncode == 0, result.stderr
    found = {row["phrase"]: row for row in json.loads(result.stdout)["commands"]}
    assert (found["list headings"]["said"], found["list headings"]["right"]) == (2, 1)
    assert found["list headings"]["weak"]
    assert found["where am i"]["said"] == 1
    assert load_thresholds(state, "en")["stop"] == 0.33, "what was not said is left alone"
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "hearing.json",
        "list_headings-1.wav",
        "list_headings-2.wav",
        "where_am_i.wav",
    ]
    kept = tune("--wav", said_folder, "--state", state, "--keep", tmp_path / "kept")
    assert kept.returncode == 0
    assert "list headings" in kept.stdout
    assert "weak" in kept.stdout
    assert len(list((tmp_path / "kept").glob("*.wav"))) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--wav", "{}/none"], 4, "There is no file"),
        (["--wav", "{}/odd"], 2, "abracadabra.wav is not named after a command"),
        (["--times", "0"], 2, "--times must be at least 1"),
        (["--lang", "tlh"], 21, "not understood in 'tlh'"),
    ],
)
def test_what_cannot_be_tuned_is_told(
    tmp_path: Path, arguments: list[str], code: int, part: str
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "abracadabra.wav").write_bytes(b"")
    result = tune(*(word.format(tmp_path) for word in arguments), "--state", tmp_path / "state")
    assert result.returncode == code, result.stderr
    assert part in result.stderr
    assert not (tmp_path / "state").exists()
