"""What the daemon is joined from: pages and pictures out of workers, status lines, kept phrases."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from voxedge.actions import State
from voxedge.config import Settings, changed, overlay, parse_settings
from voxedge.document.cursor import Cursor
from voxedge.document.model import Document, Page, Section
from voxedge.errors import ConfigError, OcrFailed
from voxedge.flow import Frame
from voxedge.reader.book import book_of
from voxedge.reader.conversation.happenings import PageBegan
from voxedge.reader.conversation.model import Model, Open
from voxedge.service.engines import fake_engines, real_engines
from voxedge.service.health import Health, Snapshot, Standing
from voxedge.service.pages import WorkerPages
from voxedge.service.status import health_lines, status_of, troubles_of
from voxedge.service.workers import Worker, WorkerSpec
from voxedge.testing.fake_reader import sections_of

GREY = Frame(np.full((250, 40), 90, dtype=np.uint8), "grey")


def with_pages(mode: str, work: Callable[[WorkerPages, Worker], Coroutine[Any, Any, None]]) -> None:
    """Run ``work`` with a page reader that goes wrong in one way."""

    async def main() -> None:
        spec = WorkerSpec(
            "page-reader",
            "voxedge.testing.bad_engines:page_reader",
            "page_reader",
            arguments={"mode": mode},
            item_deadline_s=1.5,
        )
        async with Worker(spec) as worker:
            await work(WorkerPages(worker, lambda language: language[:2], "eng"), worker)

    asyncio.run(main())


def test_a_page_comes_section_by_section_out_of_a_worker() -> None:
    async def work(pages: WorkerPages, _worker: Worker) -> None:
        items = [item async for item in pages.read(GREY, 3)]
        began, *sections = items
        assert began == PageBegan(Page(40, 250, 90), "en", "bad-page-reader 1.0")
        assert len(sections) == 3
        first = sections[0]
        assert isinstance(first, tuple)
        assert isinstance(first[0], Section)
        assert first[0].paragraphs[0].sentences[0].words[0].page == 3

    with_pages("good", work)


@pytest.mark.parametrize("mode", ["crash_mid_stream", "hang", "garbage", "raise", "raise_foreign"])
def test_a_page_reader_that_goes_wrong_gives_what_it_had_and_a_sentence(mode: str) -> None:
    async def work(pages: WorkerPages, worker: Worker) -> None:
        items = pages.read(GREY, 0)
        assert isinstance(await anext(items), PageBegan)
        assert isinstance(await anext(items), tuple)
        with pytest.raises(OcrFailed):
            await anext(items)
        await worker.wait_ready(10.0)

    with_pages(mode, work)


def test_a_voice_that_is_not_installed_is_no_failure() -> None:
    settings = overlay(Settings(), {"voice.name": "nobody"}, "test")
    engines = real_engines(settings)
    assert engines.voice is None
    assert engines.missing is not None
    assert engines.pages.kind == "page_reader"


def test_stand_in_engines_need_nothing() -> None:
    engines = fake_engines()
    assert engines.voice is not None
    assert engines.facts is not None
    assert engines.facts.rate_hz == 22_050


# Status


def opened(*, saved: bool) -> Model:
    document = Document(sections_of("# One\nSecret words. More.\n# Two\nEnd."), (Page(9, 9),), "en")
    book = book_of(document)
    return Model(State.READING, Open(book, Cursor(3), 4, "Secret words", saved))


def test_a_status_holds_no_page_text() -> None:
    status = status_of(opened(saved=False), speaking=True, voice="v", health={})
    assert status.document is not None
    assert status.document.title == ""
    assert "Secret" not in repr(status)
    assert status.cursor is not None
    assert (status.cursor.section, status.cursor.sentence) == (1, 3)
    kept = status_of(opened(saved=True), speaking=True, voice="v", health={})
    assert kept.document is not None
    assert kept.document.title == "Secret words", "this title was chosen to be kept"
    assert status_of(Model(), speaking=False, voice="v", health={}).cursor is None


def test_health_lines_tell_what_is_wrong() -> None:
    health = Health({"hot": Standing(active=True)}, Snapshot(temperature_c=82.0, cameras=("cam",)))
    lines = health_lines(health, loudspeaker=None, voice=None)
    assert not lines["temperature"].ok
    assert lines["temperature"].detail == "82 degrees"
    assert lines["camera"].ok
    assert not lines["loudspeaker"].ok
    assert not lines["voice"].ok
    assert troubles_of(health)[0].startswith("I am getting too hot")
    assert troubles_of(Health()) == ()


# Settings


def test_changed_settings_are_named_in_the_order_of_the_file() -> None:
    after = parse_settings('[voice]\nrate = 2.0\n[buttons]\nmap = "one"\n')
    assert changed(Settings(), after) == ("voice.rate", "buttons.map")
    assert changed(after, after) == ()


def test_a_setting_with_choices_takes_no_other() -> None:
    with pytest.raises(ConfigError, match="must be one of one, three"):
        parse_settings('[buttons]\nmap = "seven"\n')
