"""Headings known by their wording: misread ones count, sentences that begin like them do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.headings import (
    CHINESE_TITLES,
    chinese_title,
    known_heading,
    printed_number,
    title_edges,
)


@pytest.mark.parametrize(
    ("lines", "number", "taken"),
    [
        (["1. What Amlodipine is and what it is used for"], 1, 1),
        (["1. What Amiodignve is and what & 6s used for"], 1, 1),
        (["S. Howe fo store Amiodipme"], 5, 1),
        (["3. Mow 20 take Aniochpine"], 3, 1),
        (["& Contents of the pack and _ other", "information", "Each tablet"], 6, 2),
        (["2. What you need to know before you take", "Amlodipine"], 2, 2),
        (["2. What you need to know before you take Levo-", "thyroxine", "Do not"], 2, 2),
        (["4. Possible side effects", "Like all medicines, this medicine"], 4, 1),
    ],
)
def test_the_numbered_headings_of_europe(lines: list[str], number: int, taken: int) -> None:
    known = known_heading(lines, "en")
    assert known is not None
    assert (known.form.number, known.lines) == (number, taken)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "4. Welche Nebenwirkungen sind moglich?"),
        ("fr", "3. Comment prendre Doliprane"),
        ("es", "5. Conservacién de Amlodipino"),
        ("it", "6. Contenuto della confezione e altre informazioni"),
        ("tr", "1. PAROL nedir ve ne igin kullanılır?"),
        ("en-GB", "Warrangs and precaubons"),
        ("en", "Active ingredient (in each tablet)"),
        ("en", "Questions of comments?"),
        ("en", "Directions"),
    ],
)
def test_other_languages_and_drug_facts(language: str, text: str) -> None:
    assert known_heading([text], language) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Use this medicine at home.",
        "12.5 micrograms of levothyroxine",
        "uses",
        "Users",
        "Take it with food",
        "2. Shake the bottle well",
        "How to take the bus",
        "",
        "5",
    ],
)
def test_what_is_no_heading(text: str) -> None:
    assert known_heading([text], "en") is None


def test_a_sentence_that_goes_on_is_no_heading_below_a_main_one() -> None:
    assert known_heading(["Do not take Amlodipine"], "en", apart=True) is not None
    assert known_heading(["Do not take Amlodipine"], "en", apart=False) is None
    assert known_heading(["Do not take Amlodipine."], "en") is None


@pytest.mark.parametrize(
    ("text", "title", "end"),
    [
        ("【用法用量】口服", "用法用量", 6),
        ("[规格】0.25g", "规格", 4),
        ("【禁鼠】对本品过敏者禁用", "禁忌", 4),
        ("【贮藏遮】光", "贮藏", 5),
        ("【一种新的标题】", "一种新的标题", 8),
    ],
)
def test_chinese_titles(text: str, title: str, end: int) -> None:
    assert chinese_title(text) == (title, end)


@pytest.mark.parametrize("text", ["(0.25g)", "(成人)口服", "用法用量", "", "【】", "0.25g"])
def test_what_is_no_chinese_title(text: str) -> None:
    assert chinese_title(text) is None


def test_titles_glued_into_a_line_are_parted_and_references_are_not() -> None:
    assert title_edges("孕妇禁用【注意事项】用药前") == (4, 10)
    assert title_edges("【规格】0.25g【贮藏】密封") == (4, 9, 13)
    assert title_edges("详见【注意事项】一节") == ()
    assert title_edges("【规格】") == ()
    assert title_edges("") == ()


@given(st.sampled_from(CHINESE_TITLES))
def test_every_title_is_itself(title: str) -> None:
    assert chinese_title(f"【{title}】") == (title, len(title) + 2)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=3), st.sampled_from(["en", "de", "xx"]))
def test_any_text_is_a_heading_of_its_own_lines_or_none(lines: list[str], language: str) -> None:
    known = known_heading(lines, language)
    assert known is None or 1 <= known.lines <= len(lines)


def test_printed_numbers() -> None:
    assert [printed_number(t) for t in ("5. How", "S. How", "& Contents", "How", "12 mg")] == [
        5, 5, 6, None, 12,
    ]  # fmt: skip
