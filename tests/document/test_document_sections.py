"""Parts of leaflets by name: European and American headings, and never the wrong dose part."""

import pytest
from documents import document, documents
from hypothesis import given
from hypothesis import strategies as st

from voxedge.commands.language import available, load
from voxedge.document.cursor import Cursor, Outline, outline_of
from voxedge.document.model import Document
from voxedge.document.sections import Via, find_section, list_headings
from voxedge.document.topics import TOPICS, Topic

EUROPEAN = outline_of(
    document(
        """
        # What is in this leaflet
        # 1. What Amlodipine is and what it is used for
        # 2. What you need to know before you take Amlodipine
        # 3. How to take Amlodipine
        # 4. Possible side effects
        # 5. How to store Amlodipine
        # 6. Contents of the pack and other information
        # 1. What Amlodipine is and what it is used for
        It lowers blood pressure.
        # 2. What you need to know before you take Amlodipine
        Ask first.
        # Do not take Amlodipine
        If you are allergic.
        # Warnings and precautions
        Talk to your doctor.
        # Other medicines and Amlodipine
        Tell your doctor.
        # Pregnancy and breast-feeding
        Ask your doctor.
        # Driving and using machines
        Do not drive when dizzy.
        # 3. How to take Amlodipine
        The recommended dose is 5 mg once a day.
        # If you take more Amlodipine than you should
        An overdose is dangerous.
        # If you forget to take Amlodipine
        Leave out that dose completely.
        # 4. Possible side effects
        Headache.
        # Reporting of side effects
        Talk to your pharmacist.
        # 5. How to store Amlodipine
        Do not use after EXP. Do not store above 30 degrees.
        # 6. Contents of the pack and other information
        # What Amlodipine contains
        The active substance is amlodipine.
        # Marketing Authorisation Holder and Manufacturer
        Somebody.
        """
    )
)

AMERICAN = outline_of(
    document(
        """
        # Drug Facts
        # Active ingredient
        Ibuprofen 200 mg.
        # Purpose
        Pain reliever.
        # Warnings
        Allergy alert. Stop use and ask a doctor if pain gets worse.
        # Directions
        Take 1 tablet.
        # Other information
        Store at 20 to 25 degrees.
        # Inactive ingredients
        Starch.
        """
    )
)

LABEL = outline_of(
    document("Cough syrup. The usual dose is 5 ml. Store below 25 degrees. EXP 05 2027.")
)


@pytest.mark.parametrize(
    ("asked", "heading"),
    [
        ("dosage", "3. How to take Amlodipine"),
        ("the dose", "3. How to take Amlodipine"),
        ("how much", "3. How to take Amlodipine"),
        ("dosaje", "3. How to take Amlodipine"),
        ("Side effects", "4. Possible side effects"),
        ("side efects", "4. Possible side effects"),
        ("adverse reactions", "4. Possible side effects"),
        ("reporting of side effects", "Reporting of side effects"),
        ("storage", "5. How to store Amlodipine"),
        ("how to store it", "5. How to store Amlodipine"),
        ("overdose", "If you take more Amlodipine than you should"),
        ("missed dose", "If you forget to take Amlodipine"),
        ("warnings", "2. What you need to know before you take Amlodipine"),
        ("contraindications", "Do not take Amlodipine"),
        ("ingredients", "What Amlodipine contains"),
        ("interactions", "Other medicines and Amlodipine"),
        ("pregnancy", "Pregnancy and breast-feeding"),
        ("driving", "Driving and using machines"),
        ("what it is for", "1. What Amlodipine is and what it is used for"),
        ("manufacturer", "Marketing Authorisation Holder and Manufacturer"),
        ("section 5", "5. How to store Amlodipine"),
        ("contents of the pack", "6. Contents of the pack and other information"),
    ],
)
def test_the_european_leaflet(asked: str, heading: str) -> None:
    match = find_section(EUROPEAN, asked)
    assert match is not None
    assert (match.title, match.via) == (heading, Via.HEADING)
    contents_end = max(c.word for c, title in list_headings(EUROPEAN)[:7])
    assert match.cursor.word > contents_end, "not the line of the table of contents"


@pytest.mark.parametrize(
    ("asked", "heading"),
    [
        ("dose", "Directions"),
        ("uses", "Purpose"),
        ("warnings", "Warnings"),
        ("ingredients", "Active ingredient"),
        ("inactive ingredients", "Inactive ingredients"),
        ("drug facts", "Drug Facts"),
    ],
)
def test_the_american_label(asked: str, heading: str) -> None:
    match = find_section(AMERICAN, asked)
    assert match is not None
    assert (match.title, match.via) == (heading, Via.HEADING)


@pytest.mark.parametrize(
    ("outline", "asked", "sentence"),
    [
        (LABEL, "dose", "The usual dose is 5 ml."),
        (LABEL, "expiry", "EXP 05 2027."),
        (LABEL, "storage", "Store below 25 degrees."),
        (EUROPEAN, "expiry date", "Do not use after EXP."),
        (AMERICAN, "side effects", "Stop use and ask a doctor if pain gets worse."),
        (AMERICAN, "storage", "Store at 20 to 25 degrees."),
    ],
)
def test_what_has_no_heading_is_found_in_the_text(
    outline: Outline, asked: str, sentence: str
) -> None:
    match = find_section(outline, asked)
    assert match is not None
    assert match.via is Via.BODY
    found = outline.sentence_at(match.cursor)
    assert found is not None
    assert found.text == sentence


def test_a_numbered_heading_that_became_a_list_item() -> None:
    match = find_section(outline_of(document("3. How to take X\nTake it at nine.")), "dose")
    assert match is not None
    assert (match.via, match.cursor) == (Via.LINE, Cursor(0))


def test_a_line_of_the_contents_is_not_the_part() -> None:
    contents = outline_of(
        document("# 3. How to take X\n# 4. Possible side effects\nThe usual dose is 5 ml.")
    )
    match = find_section(contents, "dose")
    assert match is not None
    assert match.via is Via.BODY
    assert find_section(outline_of(document("3. How to take X\n4. Side effects")), "dose") is None


@pytest.mark.parametrize(
    "text",
    [
        "# If you forget a dose\nLeave the forgotten dose out.",
        "# Overdose\nCall a doctor. The dose is not known.",
        "# If you take too much\nAn overdose is dangerous.",
    ],
)
def test_dose_never_leads_to_overdose_or_missed_dose(text: str) -> None:
    match = find_section(outline_of(document(text)), "dose")
    assert match is None or match.via is Via.BODY
    if match is not None:
        assert "not known" in text, "only the sentence that speaks of the dose itself"


def test_what_is_not_there_is_not_invented() -> None:
    for asked in ("zebra", "", "?", "7", "55"):
        assert find_section(EUROPEAN, asked) is None
    assert find_section(outline_of(document("Hello.")), "dose") is None


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_reached_by_its_names(topic: Topic) -> None:
    heading = topic.headings[0].replace("*", "Amlodipine")
    outline = outline_of(document(f"# {heading}\nSome text."))
    for name in (topic.name, *topic.asked):
        match = find_section(outline, name)
        assert match is not None, name
        assert match.title == heading


def test_names_of_topics_do_not_collide() -> None:
    names = [name for topic in TOPICS for name in (topic.name, *topic.asked)]
    assert len(names) == len(set(names))


@given(documents, st.text(max_size=12))
def test_what_is_found_is_inside(made: Document, asked: str) -> None:
    outline = outline_of(made)
    match = find_section(outline, asked)
    assert match is None or outline.clamp(match.cursor) == match.cursor
    for cursor, _ in list_headings(outline):
        assert outline.clamp(cursor) == cursor


CHINESE = outline_of(
    document(
        """
        # 【成份】
        本品主要成份为阿莫西林
        # 【用法用里】
        口服
        # 【不良反应】
        恶心
        # 【禁鼠】
        对本品过敏者禁用
        # 【贮藏遮】
        密封
        # 【有效期】
        24个月
        """,
        joiner="",
    )
)


@pytest.mark.parametrize(
    ("asked", "heading"),
    [
        ("用法用量", "【用法用里】"),
        ("剂量", "【用法用里】"),
        ("dosage", "【用法用里】"),
        ("용법", "【用法用里】"),
        ("副作用", "【不良反应】"),
        ("side effects", "【不良反应】"),
        ("贮藏", "【贮藏遮】"),
        ("storage", "【贮藏遮】"),
        ("禁忌", "【禁鼠】"),
        ("有效期", "【有效期】"),
        ("expiry", "【有效期】"),
        ("active ingredient", "【成份】"),
        ("성분", "【成份】"),
    ],
)
def test_a_chinese_insert_with_misread_titles(asked: str, heading: str) -> None:
    match = find_section(CHINESE, asked)
    assert match is not None
    assert (match.title, match.via) == (heading, Via.HEADING)


@pytest.mark.parametrize(
    ("asked", "heading"),
    [
        ("用法用量", "3. How to take Amlodipine"),
        ("부작용", "4. Possible side effects"),
        ("보관", "5. How to store Amlodipine"),
        ("nebenwirkungen", "4. Possible side effects"),
    ],
)
def test_people_ask_in_their_language_for_a_leaflet_in_another(asked: str, heading: str) -> None:
    match = find_section(EUROPEAN, asked)
    assert match is not None
    assert match.title == heading


@pytest.mark.parametrize("tag", available())
def test_every_part_that_can_be_said_is_known(tag: str) -> None:
    known = {name for topic in TOPICS for name in (topic.name, *topic.asked)}
    assert [name for name in load(tag).sections if name not in known] == []


def test_a_korean_box_without_headings() -> None:
    box = outline_of(document("타이레놀정 500밀리그람. 사용기한 2027.08.31. 실온보관하십시오."))
    match = find_section(box, "유효기간")
    assert match is not None
    assert match.via is Via.BODY
    found = box.sentence_at(match.cursor)
    assert found is not None
    assert found.text.startswith("사용기한")
