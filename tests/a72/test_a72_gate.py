from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.bench.a72 import __main__ as command
from voxedge.bench.a72 import gate, guest, sandbox
from voxedge.bench.a72.ports import COSTS, cycles, port_cycles
from voxedge.models.build import build
from voxedge.testing.tiny_voice import write_tiny_voice

counts = st.dictionaries(st.sampled_from(sorted(COSTS)), st.integers(0, 10**9))


def measured(label="voice", stages=None, audio_s=2.0, first=None):
    stages = stages or {"decoder": Counter({"fma_q": 1000})}
    first = first or {"decoder": Counter({"fma_q": 10})}
    return gate.Measured(label, audio_s, stages, first, {"samples": 99.0}, 0.01, 0.0)


# -- the port model ---------------------------------------------------------------------------


def test_fp32_does_four_multiplications_a_cycle_and_int8_eight():
    assert cycles({"fma_q": 100}) == 100
    # 16 multiplications: SMULL, SMLAL in F0, SADALP beside them in F1.
    assert cycles({"int_mul_long": 200, "sadalp": 100}) == 200


def test_work_of_either_pipe_fills_the_one_that_is_free():
    assert port_cycles({"int_mul_long": 100, "simd": 100})["FP"] == 100
    assert port_cycles({"int_mul_long": 100, "simd": 300})["FP"] == 200


def test_three_instructions_a_cycle_are_dispatched():
    assert cycles({"alu": 2, "load": 1, "branch": 1, "simd": 2}) == 2


@given(counts, counts)
def test_more_work_never_takes_fewer_cycles(one, other):
    both = Counter(one) + Counter(other)
    assert cycles(both) >= max(cycles(one), cycles(other))
    assert cycles(both) <= cycles(one) + cycles(other) + 1e-6


# -- sharing out ------------------------------------------------------------------------------

TOTALS = "alu fma_q\n5 0\n15 0\n15 40\n17 40\n"


def test_what_is_counted_between_two_marks_belongs_to_the_stage_that_ended():
    stages, first = gate.attribute(TOTALS, ["python", "decoder", "python"], 2)
    assert stages == {
        "python": Counter({"alu": 12, "fma_q": 0}),
        "decoder": Counter({"alu": 0, "fma_q": 40}),
    }
    assert first == {
        "python": Counter({"alu": 10, "fma_q": 0}),
        "decoder": Counter({"alu": 0, "fma_q": 40}),
    }


@pytest.mark.parametrize("names", [[], ["python"], ["python", "decoder", "python", "python"]])
def test_marks_that_do_not_match_are_no_measurement(names):
    with pytest.raises(gate.GateFailed, match="marks"):
        gate.attribute(TOTALS, names, 0)


# -- comparison -------------------------------------------------------------------------------


def answers(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_the_worst_answer_of_a_stage_counts(tmp_path):
    good, bad = np.ones(100), np.ones(100) * 1.0001
    here = answers(tmp_path / "a.npz", **{"samples": good, "000.flow": good, "001.flow": good})
    there = answers(tmp_path / "b.npz", **{"samples": good, "000.flow": good, "001.flow": bad})
    found = gate._compare(here, there, gate.Target("voice", tmp_path))
    assert found["samples"] == 200
    assert 79 < found["flow"] < 81


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        ({"samples": np.ones(10) * 1.1}, "agrees by 20 dB only"),
        ({"samples": np.ones(11)}, "another length"),
        ({"samples": np.ones(10), "000.flow": np.ones(3)}, "different stages"),
        ({"samples": np.full(10, np.nan)}, "agrees by"),
    ],
)
def test_another_answer_there_fails(tmp_path, there, reason):
    here = answers(tmp_path / "a.npz", samples=np.ones(10))
    other = answers(tmp_path / "b.npz", **there)
    with pytest.raises(gate.GateFailed, match=reason):
        gate._compare(here, other, gate.Target("voice", tmp_path))


def test_int8_may_round_otherwise_but_samples_of_the_same_answers_may_not(tmp_path):
    here = answers(tmp_path / "a.npz", **{"samples": np.ones(9), "000.student": np.ones(9)})
    loose = gate.Target("voice", tmp_path, exact=False)
    there = {"samples": np.ones(9), "000.student": np.ones(9) * 1.005}
    assert 45 < gate._compare(here, answers(tmp_path / "b.npz", **there), loose)["student"] < 47
    for name, reason in (("samples", "samples agrees by 46"), ("000.student", "student agrees by")):
        worse = {**there, name: np.ones(9) * (1.005 if name == "samples" else 1.05)}
        with pytest.raises(gate.GateFailed, match=reason):
            gate._compare(here, answers(tmp_path / "c.npz", **worse), loose)


def test_the_listener_may_round_more_than_a_voice(tmp_path):
    here = answers(tmp_path / "a.npz", **{"000.encoder": np.ones(9)})
    there = answers(tmp_path / "b.npz", **{"000.encoder": np.ones(9) * 1.05})
    ear = gate.Target("ear", tmp_path, exact=False, graphs=tmp_path)
    assert 25 < gate._compare(here, there, ear)["encoder"] < 27
    worse = answers(tmp_path / "c.npz", **{"000.encoder": np.ones(9) * 1.2})
    with pytest.raises(gate.GateFailed, match="encoder agrees by 14 dB"):
        gate._compare(here, worse, ear)
    assert ear.arguments("Hello.") == ["listen", str(tmp_path), "--graphs", str(tmp_path)]
    assert gate.Target("voice", tmp_path).arguments("Hello.")[-2:] == ["--text", "Hello."]


def test_what_only_listens_has_no_sound_to_compare():
    ear = gate.Measured(
        "ear", 1.5, {"encoder": Counter({"alu": 9})}, {}, {"encoder": 25.0}, None, None
    )
    heard = gate.table([ear])
    assert "ear (1.50 s)" in heard
    assert "log-mel" not in heard
    assert "25 dB" in heard


def test_the_guest_hears_as_the_worker_does(tmp_path, monkeypatch):
    from voxedge.engines.asr.whisper_file import read_weights
    from voxedge.engines.asr.whisper_graphs import make_graphs
    from voxedge.errors import RecogniserMissing
    from voxedge.models.recognisers import WHISPER, find_model

    try:
        folder = find_model("en", verify=False, engine=WHISPER)[1]
    except RecogniserMissing:
        pytest.skip("the second listener's model is not installed")
    make_graphs(read_weights(folder / "model.bin").arrays, tmp_path)
    marks = guest.Marks()
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "InferenceSession", onnxruntime.InferenceSession)
    marks.watch_networks()
    guest.listen(marks, folder / "model.bin", tmp_path)
    runs = [stage for stage in marks.stages if stage != guest.OUTSIDE]
    assert runs == ["encoder", *["decoder"] * (2 + guest.STEPS)]
    odds = [a for name, a in marks.answers.items() if name.endswith(".decoder") and a.ndim == 2]
    assert odds[-1].shape == (guest.BEGINNINGS, 8192)


def test_what_is_heard_is_compared_by_its_spectrum(tmp_path):
    rng = np.random.default_rng(3)
    speech = rng.standard_normal(22050).astype(np.float32)
    here = answers(tmp_path / "a.npz", samples=speech)
    later = answers(tmp_path / "b.npz", samples=np.roll(speech, 1))
    louder = answers(tmp_path / "c.npz", samples=speech * 1.2)
    shorter = answers(tmp_path / "d.npz", samples=speech[1:])
    assert gate._log_mel_distance(here, later, 22050) < gate.LOG_MEL_MAX
    assert gate._log_mel_distance(here, louder, 22050) == pytest.approx(np.log(1.2), rel=0.01)
    assert gate._log_mel_distance(here, shorter, 22050) == float("inf")


def test_another_number_of_frames_is_a_difference_in_length(tmp_path):
    here = answers(tmp_path / "a.npz", durations=np.array([1.2, 3.9, 4.1]))
    same = answers(tmp_path / "b.npz", durations=np.array([1.9, 3.2, 4.8]))
    longer = answers(tmp_path / "c.npz", durations=np.array([1.2, 4.1, 4.1]))
    whole = answers(tmp_path / "d.npz", samples=np.ones(3))
    assert gate._length_difference(here, same) == 0
    assert gate._length_difference(here, longer) == pytest.approx(1 / 11)
    assert gate._length_difference(whole, whole) == 0


def test_one_side_hands_on_what_the_other_side_answered():
    ours, theirs = np.zeros(3), np.ones(3)
    marks = guest.Marks({"000.flow": theirs})
    assert marks.answered("flow", ours) is theirs
    assert marks.answered("flow", ours) is ours
    assert [*marks.answers] == ["000.flow", "001.flow"]
    assert marks.answers["000.flow"] is ours


# -- budget -----------------------------------------------------------------------------------


def test_a_stage_may_grow_by_five_percent_and_no_more():
    budget = gate.as_budget([measured(stages={"decoder": Counter({"fma_q": 100_000_000})})])
    assert gate.over_budget(measured(stages={"decoder": Counter(fma_q=104_900_000)}), budget) == []
    (sentence,) = gate.over_budget(measured(stages={"decoder": Counter(fma_q=105_100_000)}), budget)
    assert "decoder" in sentence
    assert "5.1%" in sentence


def test_a_new_stage_and_a_new_voice_need_a_budget():
    budget = gate.as_budget([measured()])
    more = {"decoder": Counter({"fma_q": 1000}), "flow": Counter({"alu": 1})}
    assert "flow" in gate.over_budget(measured(stages=more), budget)[0]
    assert "no budget" in gate.over_budget(measured("other"), budget)[0]


def test_the_estimate_of_the_baseline_is_what_was_published():
    base = measured(stages={"whole": Counter({"fma_q": 700_000_000})})
    light = measured(
        stages={"student": Counter({"int_mul_long": 70_000_000})},
        first={"student": Counter(fma_q=7_000_000)},
    )
    assert gate.estimate(base, base)["rtf_1_thread_by_cycles"] == gate.PUBLISHED_RTF[1]
    figures = gate.estimate(light, base)
    assert figures["cycles_ratio"] == pytest.approx(0.1)
    assert figures["rtf_1_thread_by_cycles"] == pytest.approx(0.0774)
    # 1 % of a second's cycles of the baseline.
    assert figures["first_audio_ms_1_thread"] == pytest.approx(7.74)


def test_the_committed_budget_names_the_sentence_it_holds_for():
    budget = command.json.loads(command.BUDGET.read_text())
    assert budget["text"] == gate.TEXT
    assert {"fp32-whole", "fp32-split", "student-int8"} <= set(budget["voices"])
    whole = sum(s["instructions_m"] for s in budget["voices"]["fp32-whole"].values())
    light = sum(s["instructions_m"] for s in budget["voices"]["student-int8"].values())
    assert light / whole <= 0.35


# -- the sandbox ------------------------------------------------------------------------------

LOCK = """\
numpy==2.4.6 ; python_full_version < '3.12' \\
    --hash=sha256:aa
numpy==2.5.5 ; python_full_version >= '3.12' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
hatchling==1.33.0 \\
    --hash=sha256:dd
pycparser==3.12 ; implementation_name != 'PyPy' \\
    --hash=sha256:ee
"""


def test_the_devices_own_python_decides_which_pins_hold():
    assert sandbox.requirements(LOCK) == [
        "numpy==2.5.5 --hash=sha256:bb --hash=sha256:cc",
        "pycparser==3.12 --hash=sha256:ee",
    ]


def test_the_real_lock_holds_everything_that_is_imported():
    names = {line.split("==")[0] for line in sandbox.requirements(command.LOCK.read_text())}
    assert {"numpy", "onnxruntime", "onnx", "opencv-python-headless", "piper-tts"} <= names
    assert not names & sandbox.BUILD_ONLY


def test_a_piece_is_laid_down_once_and_whole(tmp_path):
    laid = []

    def lay(folder):
        laid.append(folder)
        (folder / "file").write_text("x")

    first = sandbox._once(tmp_path, "root", "key", lay, lambda _: None)
    assert sandbox._once(tmp_path, "root", "key", lay, lambda _: None) == first
    assert (first / "file").read_text() == "x"
    assert len(laid) == 1
    assert sandbox._once(tmp_path, "root", "other key", lay, lambda _: None) != first


def test_a_piece_that_fails_leaves_nothing(tmp_path):
    def lay(folder):
        (folder / "half").write_text("x")
        raise sandbox.SandboxFailed("no network")

    with pytest.raises(sandbox.SandboxFailed):
        sandbox._once(tmp_path, "root", "key", lay, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(sandbox.SandboxFailed, match="'no-such-program' is not installed"):
        sandbox._output(["no-such-program"])
    with pytest.raises(sandbox.SandboxFailed, match="false"):
        sandbox._output(["false"])


def test_where_the_sandbox_cannot_be_had_the_gate_is_skipped_with_a_reason(monkeypatch, capsys):
    def prepare(*_):
        raise sandbox.SandboxFailed("apt has no Debian source here")

    monkeypatch.setattr(command.sandbox, "prepare", prepare)
    assert command.main(["--quick"]) == 77
    assert "skipped: apt has no Debian source here" in capsys.readouterr().err


# -- the guest, on this machine ---------------------------------------------------------------


def test_the_guest_imports_everything_here_too():
    assert guest.versions()["machine"] == os.uname().machine


def test_the_guest_speaks_and_names_its_stages(tmp_path):
    tiny = build("tiny", *write_tiny_voice(tmp_path), tmp_path / "stages")
    command_line = [sys.executable, "-m", "voxedge.bench.a72.guest", "staged", str(tiny.folder)]
    subprocess.run([*command_line, "--text", "Hello.", "--out", str(tmp_path)], check=True)
    facts = command.json.loads((tmp_path / "facts.json").read_text())
    assert facts["stages"].count("text_encoder") == 1
    assert {"python", "text_encoder", "flow", "decoder"} == set(facts["stages"])
    assert 0 < facts["first_audio_mark"] <= len(facts["stages"])
    with np.load(tmp_path / "answers.npz") as stored:
        assert len(stored["samples"]) == pytest.approx(facts["audio_s"] * tiny.config.rate_hz)


# -- the real thing: by hand, or wherever it is laid down already -------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_emulated_device_imports_everything_and_dies_of_an_old_onnxruntime():
    cache = sandbox.cache_folder()
    if not list(cache.glob("site-*")):
        pytest.skip("the emulated Cortex-A72 is not laid down here: run scripts/a72 once")
    try:
        device = sandbox.prepare(command.LOCK, lambda _: None)
        old = sandbox.lay_package(cache, gate.OLD_ONNXRUNTIME, lambda _: None)
    except sandbox.SandboxFailed as error:
        pytest.skip(str(error))
    assert gate.check_imports(device)["onnxruntime"] >= "1.22"
    gate.check_old_onnxruntime_dies(device, old)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_voice_in_use_keeps_its_budget_on_the_emulated_device(capsys):
    if not os.environ.get("VOXEDGE_A72"):
        pytest.skip("set VOXEDGE_A72=1 to lay down an emulated Cortex-A72 and speak on it")
    code = command.main(["--quick"])
    if code == 77:
        pytest.skip(capsys.readouterr().err.strip().splitlines()[-1])
    assert code == 0, capsys.readouterr().err


def test_the_program_is_there_and_runs():
    assert os.access(Path(__file__).parents[2] / "scripts" / "a72", os.X_OK)


def test_the_table_adds_up_the_cycles_of_the_stages():
    stages = {"a": Counter({"load": 10_000_000}), "b": Counter({"branch": 20_000_000})}
    assert gate.table([measured(stages=stages)]).splitlines()[-1].split()[-3] == "30.0"
