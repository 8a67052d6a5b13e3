"""What the teacher is asked to say."""

import itertools

from voxedge.models.distil.corpus import sentences


def test_the_same_seed_says_the_same():
    first = list(itertools.islice(sentences(3), 50))
    assert first == list(itertools.islice(sentences(3), 50))
    assert first != list(itertools.islice(sentences(4), 50))


def test_every_slot_is_filled_and_every_sentence_begins_and_ends_well():
    said = list(itertools.islice(sentences(1), 800))
    assert not [s for s in said if "{" in s or "}" in s or "  " in s]
    assert not [s for s in said if not (s[0].isupper() or s[0] == '"')]
    assert not [s for s in said if s[-1] not in ".!?"]
    assert len(set(said)) > 500


def test_doses_are_among_them():
    said = " ".join(itertools.islice(sentences(1), 800))
    for word in ("milligrams", "tablets", "twice a day", "Page", "doctor"):
        assert word in said


def test_half_of_the_sentences_come_from_a_given_text(tmp_path):
    text = tmp_path / "sayings"
    text.write_text(
        "A stitch in time saves nine stitches.\n%\nToo short.\n%\nΑυτό δεν είναι αγγλικά, φίλε.\n"
        "%\nAll that glitters is\nnot gold, they say. And so on and on.\n",
        encoding="utf-8",
    )
    said = list(itertools.islice(sentences(1, [text]), 200))
    own = {
        "A stitch in time saves nine stitches.",
        "All that glitters is not gold, they say.",
        "And so on and on.",
    }
    assert 60 < sum(s in own for s in said) < 140
    assert "Too short." not in said
