from __future__ import annotations

import pytest

from voxedge.bench.numbers import (
    CAMERAS,
    CARE_CAMERAS,
    LETTER_CAMERAS,
    Count,
    care_pages,
    dose_pages,
    judge,
    letter_pages,
    report,
)
from voxedge.document.model import Box, Document, Paragraph, Section, Sentence, Word

_BOX = Box(0, 0, 1, 1)
TRUTH = "For adults the usual dose of Norvaxil is 50 mg every 6 hours.\nStore below 25 °C."


def page(*pairs):
    sentences = tuple(
        Sentence(
            tuple(
                Word(w, _BOX, 0.9, 0, s)
                for w, s in zip(first.split(), (second or first).split(), strict=True)
            )
        )
        for first, second in pairs
    )
    return Document((Section((Paragraph(sentences),)),), (), "en")


def counted(*pairs):
    count = judge(page(*pairs), TRUTH)
    return count.numbers, count.wrong, count.wrong_certain, count.right_withheld


DOSE = "For adults the usual dose of Norvaxil is {} mg every 6 hours."


def test_what_is_printed_is_right():
    assert counted((DOSE.format(50), None), ("Store below 25 °C.", None)) == (3, 0, 0, 0)


def test_a_wrong_number_on_which_both_agree_is_the_one_that_counts():
    assert counted((DOSE.format(5), None)) == (2, 1, 1, 0)


def test_a_wrong_number_that_is_withheld_is_caught():
    assert counted((DOSE.format(5), DOSE.format(50))) == (2, 1, 0, 0)


def test_a_right_number_that_is_withheld_is_a_false_alarm():
    assert counted((DOSE.format(50), DOSE.format(5))) == (2, 0, 0, 1)


def test_a_number_in_a_sentence_that_is_nowhere_counts_as_wrong():
    assert counted(("Qqxz wvut kjhg 17 zzz", None)) == (1, 1, 1, 0)


def test_a_missing_unit_is_wrong():
    assert counted((DOSE.format(50).replace(" mg", ""), None))[1:3] == (1, 1)


def test_dose_phrases_are_counted_by_the_truth():
    count = judge(page((DOSE.format(50), None)), TRUTH)
    assert (count.doses, count.doses_read) == (2, 1)


def test_shares_and_the_table():
    count = Count(numbers=10, wrong=4, wrong_certain=1, right_withheld=3, cpu_s=10, check_cpu_s=2)
    assert (count.caught, count.false_alarms, count.cost) == (0.75, 0.5, 0.2)
    assert "0.750" in report({"all of them": count}, 0)


def test_made_pages_are_the_same_for_the_same_seed():
    first, again = (next(iter(dose_pages([7]))) for _ in range(2))
    assert first[1] == again[1]
    assert (first[2].pixels == again[2].pixels).all()
    assert sum(character.isdigit() for character in first[1]) > 60


def test_a_torn_sentence_is_right_where_the_truth_has_nothing_else_behind_the_same_words():
    truth = "Mfg. Lic. No. 756 Manufactured by Softesule."
    torn = page(("capsule contains: Mfg.Lic. No. 756", None))
    assert judge(torn, truth).wrong == 0
    assert judge(torn, f"{truth} Mfg. Lic. No. 757").wrong == 1


def test_the_interval_is_the_rule_of_three_where_nothing_is_wrong():
    none = Count(numbers=1100, wrong=60, right_withheld=40)
    assert none.certain == 1000
    assert 0.0029 < none.wrong_share_at_most < 0.0031
    assert Count(numbers=1000, wrong=1, wrong_certain=1).wrong_share_at_most > 0.0045


@pytest.mark.parametrize("pages", [care_pages, letter_pages])
def test_the_sets_kept_aside_have_other_words_and_other_cameras(pages):
    (group, truth, frame), *_ = pages([7])
    (_, leaflet, _), *_ = dose_pages([7])
    assert group.partition(" ")[2] not in CAMERAS
    names = {word for word in leaflet.split() if word.istitle() and len(word) > 5}
    assert not names & set(truth.split())
    assert sum(character.isdigit() for character in truth) > 60
    assert frame.pixels.dtype.name == "uint8"


def test_no_two_sets_share_a_camera():
    assert len({*CAMERAS, *CARE_CAMERAS, *LETTER_CAMERAS}) == 15
