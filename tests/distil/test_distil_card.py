"""The model card."""

import pytest
from student_fixtures import TINY, tiny_weights
from test_score_report import row

from voxedge.models.distil.card import model_card
from voxedge.models.distil.package import Student
from voxedge.models.manifest import load_manifest
from voxedge.models.score.scoring import summarise


@pytest.mark.parametrize(("mos", "verdict"), [(3.0, "more: passed"), (2.0, "**not passed**")])
def test_it_tells_origin_licence_sizes_and_scores(mos, verdict):
    manifest = load_manifest()
    entry = manifest.find(manifest.default)
    student = Student(TINY, tiny_weights(), {}, entry.model.sha256, "Trained on a Sunday.")
    score = summarise([row(candidate_mos=mos)] * 3)
    noisy = summarise([row(reference_distill=4.0, candidate_distill=3.0)] * 3, noise=True)
    card = model_card(entry, student, {"student.onnx": 3_200_000}, score, noisy)
    for part in (
        entry.model.sha256,
        entry.licence,
        "lessac",
        "Trained on a Sunday.",
        "| `student.onnx` | 3.2 MB |",
        "0 of 6 linear",
        verdict,
        "10.00 %",
        "| Distill-MOS | not measured |",
        "both with noise: **not within the gate.**",
        "| Distill-MOS, these over original | 75.00 % |",
    ):
        assert part in " ".join(card.split()), part
