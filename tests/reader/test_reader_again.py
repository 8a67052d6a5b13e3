"""The same page once more: what a second picture settles, fills in, and never makes up."""

import asyncio

from rigs import Rig, rig

from voxedge.actions import Action, State, intent
from voxedge.document.cursor import Cursor, Unit
from voxedge.document.model import Document, Page
from voxedge.document.numbers import numbers_of
from voxedge.errors import OcrFailed
from voxedge.flow import Frame
from voxedge.reader.book import book_of
from voxedge.reader.conversation.again import look
from voxedge.reader.conversation.model import Open, Seen, Work
from voxedge.testing.fake_reader import sections_of

OPENING = """
# Package leaflet
Read all of this leaflet carefully before you start using this medicine. Keep it.
This medicine was prescribed for you only, do not pass it on to other people.
# Dosage
"""
CLOSING = """
Swallow the tablet whole with a glass of water. Never chew it.
# Storage
Store this medicine in its box, in a dry place, far from the reach of children.
"""


def leaflet(dose: str, closing: str = CLOSING) -> str:
    return f"{OPENING}The recommended dose for grown people is {dose} mg daily.\n{closing}"


DOUBTED, CERTAIN = leaflet("5|50"), leaflet("5")
OTHER = """
# Your appointment
We are expecting you on Monday morning at nine. Please bring your insurance card, a list of all
your current medicines, and the letter that your family doctor has given to you last week.
"""


def joined_said(r: Rig) -> str:
    return " ".join(r.said)


async def second(r: Rig) -> None:
    """Take another picture and wait for all of it to be heard."""
    r.said.clear()
    await r.session.do(intent(Action.READ))
    await r.until(lambda: r.model.work is None)
    await r.until(lambda: r.state is State.READING or r.state is State.IDLE)


async def until_doubt(r: Rig) -> None:
    def heard() -> str:
        assert r.model.open is not None
        sentence = r.model.open.book.outline.sentence_at(r.model.open.cursor)
        return "" if sentence is None else sentence.text

    await r.until(lambda: heard().startswith("Swallow"))
    assert "not sure of this number" in joined_said(r)
    await r.session.do(intent(Action.STOP))


def doubts(r: Rig) -> int:
    assert r.model.open is not None
    return sum(not n.is_certain for _, n in numbers_of(r.model.open.book.document))


def test_a_doubt_is_settled_by_a_second_picture_and_read_at_once() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await until_doubt(r)
        await second(r)
        await asyncio.sleep(6.0)
        said = joined_said(r)
        assert said.startswith("The same page. I now read: The recommended dose for grown people")
        assert "not sure" not in said
        assert "Package leaflet" not in said, "what was heard is not read again"
        assert doubts(r) == 0

    rig(work, DOUBTED, CERTAIN)


def test_a_second_picture_that_doubts_too_says_so() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await until_doubt(r)
        await second(r)
        await asyncio.sleep(6.0)
        assert joined_said(r).startswith("The same page. I am still not sure.")
        assert "five or fifty-six milligrams" in joined_said(r), "it tells again what it may be"
        assert doubts(r) == 1

    rig(work, DOUBTED, leaflet("5|56"))


def test_a_number_the_second_picture_doubts_is_settled_by_the_first() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.state is State.IDLE)
        await second(r)
        await r.until(lambda: r.state is State.IDLE)
        assert "not sure" not in joined_said(r)
        assert doubts(r) == 0

    rig(work, CERTAIN, DOUBTED)


def test_the_leaflet_of_another_strength_is_another_page() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.state is State.IDLE)
        await second(r)
        await r.until(lambda: r.state is State.IDLE)
        assert "The same page" not in joined_said(r)
        assert "twenty milligrams" in joined_said(r) or "20" in joined_said(r)
        assert r.model.open is not None
        assert " 20 mg" in r.model.open.book.document.text
        assert doubts(r) == 0, "both are sure: neither puts the other in doubt"

    rig(work, leaflet("10"), leaflet("20"))


def test_another_page_is_read_as_ever() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await until_doubt(r)
        await second(r)
        await asyncio.sleep(1.0)
        assert "same page" not in joined_said(r)
        assert joined_said(r).startswith("Your appointment")

    rig(work, DOUBTED, OTHER)


def test_what_the_second_picture_lost_is_kept_also_where_it_fails_in_the_middle() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.state is State.IDLE)
        assert r.model.open is not None
        whole = r.model.open.book.document.text
        r.pages.fails_behind, r.pages.error = 2, OcrFailed(reason="killed")
        await second(r)
        await r.until(lambda: r.state is State.IDLE)
        assert r.model.open is not None
        assert r.model.open.book.document.text == whole

    rig(work, CERTAIN, CERTAIN)


def test_a_page_of_several_stays_among_the_others() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.state is State.IDLE)
        await r.session.do(intent(Action.APPEND_PAGE))
        await r.until(lambda: r.model.work is None)
        assert r.model.open is not None
        await r.session.do(intent(Action.STOP))
        await second(r)
        await r.session.do(intent(Action.STOP))
        document = r.model.open.book.document
        assert [doc.page for doc in r.model.open.book.outline.words][-1] == 1
        assert "appointment" in document.text
        assert len(document.pages) == 2
        assert doubts(r) == 0

    rig(work, DOUBTED, OTHER, CERTAIN)


def test_the_picture_of_a_page_taken_again_goes_to_that_page() -> None:
    taken: list[Frame] = []

    def encode(frame: Frame) -> bytes:
        taken.append(frame)
        return b"picture %d" % len(taken)

    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.state is State.IDLE)
        await r.session.do(intent(Action.APPEND_PAGE))
        await r.until(lambda: len(taken) == 2 and r.model.work is None)
        await r.session.do(intent(Action.STOP))
        await r.do(Action.SAVE)
        await r.until(lambda: bool(r.shelf.kept))
        await second(r)
        await r.until(lambda: r.shelf.kept[1].pictures.get(1) == b"picture 3")
        assert r.shelf.kept[1].pictures[0] == b"picture 1"
        assert len(r.shelf.kept) == 1, "it is the saved document still"

    rig(work, CERTAIN, OTHER, OTHER, encode_picture=encode)


def test_too_little_text_is_no_proof() -> None:
    def document(text: str) -> Document:
        return Document(sections_of(text), (Page(8, 8),), "en")

    before = Open(book_of(document(CERTAIN)), Cursor())
    empty = document("")
    seen = Work(False, 0, seen=Seen(before))
    heading, _ = look(seen, empty, sections_of("# Package leaflet"))
    assert heading.seen is not None
    assert not heading.seen.is_same
    sure, _ = look(heading, document("# Package leaflet"), document(CERTAIN).sections[:1])
    assert sure.seen is not None
    assert before.book.outline.number(Cursor(), Unit.PAGE) == 0
