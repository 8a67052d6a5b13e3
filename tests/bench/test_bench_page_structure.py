"""Order and headings are judged as a reader would judge them."""

from __future__ import annotations

from voxedge.bench.ocr import count_doses
from voxedge.bench.page_structure import headings_of, order_of, true_headings
from voxedge.document.model import Box, Document, Paragraph, Role, Section, Sentence, Word

PARAGRAPHS = (
    "Keep this leaflet, you may need it again.",
    "It lowers the pressure of the blood.",
    "Swallow the capsules with a glass of water.",
    "Call a doctor if you faint after taking it.",
)
TRUTH = "\n".join(PARAGRAPHS)


def page(*sections):
    made = []
    for heading, text in sections:
        paragraphs = []
        for part, role in ((heading, Role.HEADING), (text, Role.BODY)):
            words = tuple(Word(w, Box(0, 0, 1, 1), 0.9) for w in (part or "").split())
            if words:
                paragraphs.append(Paragraph((Sentence(words),), role))
        made.append(Section(tuple(paragraphs)))
    return Document(tuple(made), (), "en")


def test_the_printed_order_is_one_and_backwards_is_minus_one():
    assert order_of(TRUTH, TRUTH, unspaced=False).tau == 1.0
    assert order_of("\n".join(reversed(PARAGRAPHS)), TRUTH, unspaced=False).tau == -1.0
    swapped = [PARAGRAPHS[n] for n in (0, 2, 1, 3)]
    order = order_of("\n".join(swapped), TRUTH, unspaced=False)
    assert order.tau is not None
    assert round(order.tau, 2) == 0.67
    assert (order.found, order.total) == (4, 4)


def test_what_was_not_read_has_no_place():
    order = order_of("\n".join(PARAGRAPHS[:2]), TRUTH, unspaced=False)
    assert (order.tau, order.found, order.total) == (None, 2, 4)
    assert order_of("", TRUTH, unspaced=False).found == 0


def test_what_stands_twice_has_no_one_place():
    truth = f"3. How to take Corvanil\n{TRUTH}\n3. How to take Corvanil"
    assert order_of(truth, truth, unspaced=False).total == 4


def test_true_headings_are_not_those_of_the_contents():
    truth = f"1. What it is\n2. Before you take it\n1. What it is\n{PARAGRAPHS[1]}\nUses\nfor pain"
    assert true_headings(truth) == [
        ("2. Before you take it", "1. What it is"),
        ("1. What it is", PARAGRAPHS[1]),
        ("Uses", "for pain"),
    ]
    assert true_headings(truth, "Uses\n") == [("Uses", "for pain")]
    assert true_headings("【规格】0.25g\n【贮藏】密封") == [
        ("【规格】", "0.25g"),
        ("【贮藏】", "密封"),
    ]


def test_a_heading_counts_where_its_text_follows():
    truth = f"Uses\n{PARAGRAPHS[1]}\nWarnings\n{PARAGRAPHS[3]}"
    read = page(("Uses", PARAGRAPHS[1]), ("Wamings", PARAGRAPHS[3]))
    assert headings_of(read, truth).missed == ()
    torn = page(("Uses", PARAGRAPHS[0]), ("Warnings", PARAGRAPHS[3]))
    assert headings_of(torn, truth).missed == ("Uses",)
    false = page(("Uses", PARAGRAPHS[1]), ("Nonsense of a fold", ""), ("Warnings", PARAGRAPHS[3]))
    assert headings_of(false, truth).false == 1
    flat = page((None, f"Uses {PARAGRAPHS[1]} Warnings {PARAGRAPHS[3]}"))
    assert headings_of(flat, truth).found == 0


def test_a_chinese_title_known_for_what_it_is_counts():
    read = page(("【禁鼠】", "对本品过敏者禁用"))
    assert headings_of(read, "【禁忌】对本品过敏者禁用").found == 1


def test_dose_phrases_are_counted_once_each():
    assert count_doses("take 5 mg and 5 mg", "take 5 mg or 5 mg or 10 mg") == (3, 2)
    assert count_doses("take 50 mg", "take 5 mg") == (1, 0)
