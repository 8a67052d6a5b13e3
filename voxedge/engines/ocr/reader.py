"""The reader of pages: from a picture to sections, the first of them soon.

Printed lines are found by geometry (``voxedge.vision``), one column after the other is cut out
level and recognised, and sections leave as soon as they are final. Where geometry is unsure (a
box, a blister, a poster) the whole picture is read as sparse text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

from voxedge.document.build import SectionBuilder
from voxedge.document.model import Box, Code, Document, Page, Section
from voxedge.engines.barcode.finder import CodeFinder, Finding
from voxedge.engines.ocr.assemble import printed_lines
from voxedge.engines.ocr.dim import find_dim
from voxedge.engines.ocr.languages import bcp47, is_unspaced
from voxedge.engines.ocr.lexicon import load_lexicon
from voxedge.engines.ocr.number_check import NumberCheck
from voxedge.engines.ocr.poor_print import POOR_SHARE, read_poor
from voxedge.engines.ocr.recogniser import Recogniser
from voxedge.engines.ocr.score import Judge, Score
from voxedge.engines.ocr.second_look import second_look
from voxedge.engines.ocr.sparse import SparseReading, read_sparse
from voxedge.engines.ocr.tesseract import Installation, TsvWord, find_installation
from voxedge.engines.ocr.trace import Trace, Untraced
from voxedge.engines.ocr.upright import RegionReading, View, find_upright
from voxedge.engines.ocr.wholeness import doubt_hidden
from voxedge.errors import NothingToRead
from voxedge.flow import Frame
from voxedge.vision.illumination import Grey, to_grey
from voxedge.vision.strokes import binarise

Sections = Generator[tuple[Section, ...], None, None]

_LITTLE_TEXT = 350
"""Letters found by geometry below which a picture may be a box: its scattered text is read too."""
_PAGE_GOOD = 120
_PAGE_SHARE = 0.75
_MARGIN = 0.95
"""Columns are preferred to scattered words: they have an order."""
_WORKERS = 2
"""Regions recognised side by side after the first; a Pi 4 has four cores and a voice to feed."""


class PageReading:
    """One page being read: iterate for sections; ``page`` is known with the first of them."""

    def __init__(self, sections: Iterator[tuple[Section, ...]], page: Page) -> None:
        """Wrap the running generator; made by ``TesseractReader.start``."""
        self._sections = sections
        self.page = page

    def __iter__(self) -> Iterator[tuple[Section, ...]]:
        return self._sections


class TesseractReader:
    """A ``PageReader`` on the tesseract program. Stateless between calls; any thread."""

    def __init__(
        self,
        timeout_s: float = 120.0,
        numbers: NumberCheck | None = None,
        codes: CodeFinder | None = None,
        trace: Trace | None = None,
    ) -> None:
        """Ask the installed tesseract for its version and languages.

        Args:
            timeout_s: for each call of tesseract; a dense column takes 10 s on a Pi 4.
            numbers: reads every number a second time; without it all numbers are doubtful.
            codes: looks for barcodes while the page is being turned upright.
            trace: told of every step; for a report of how a page was read.

        Raises:
            OcrMissing: tesseract is not installed.
            OcrFailed: it does not answer.
        """
        self._timeout_s = timeout_s
        self._numbers = numbers
        self._codes = codes
        self._trace = trace or Untraced()
        self._installation = find_installation()

    @property
    def name(self) -> str:
        """Names and version, the second reader's too."""
        second = f", numbers checked by {self._numbers.name}" if self._numbers else ""
        return f"tesseract {self._installation.version}{second}"

    def language_tag(self, language: str) -> str:
        """Return the BCP 47 tag of a Tesseract language."""
        return bcp47(language)

    @property
    def installation(self) -> Installation:
        """What is installed."""
        return self._installation

    def read(self, frame: Frame, language: str, page: int = 0) -> Document:
        """Recognise a whole picture: the concatenation of ``read_progressively``.

        Args:
            frame: the picture.
            language: Tesseract code ("eng", "fra", "tur+eng").
            page: number given to every word.

        Raises:
            LanguageMissing: its data is not installed.
            NothingToRead: no text.
            OcrMissing: tesseract vanished.
            OcrFailed: tesseract crashed, hung or answered garbage.
        """
        reading = self.start(frame, language, page)
        sections = tuple(section for part in reading for section in part)
        return Document(sections, (reading.page,), bcp47(language), self.name)

    def read_progressively(
        self, frame: Frame, language: str, page: int = 0
    ) -> Iterator[tuple[Section, ...]]:
        """Yield sections in reading order, each as soon as it is final; errors as ``read``."""
        yield from self.start(frame, language, page)

    def start(self, frame: Frame, language: str, page: int = 0) -> PageReading:
        """Find out which way up the page is and begin to read it.

        Blocks for the orientation; recognition of the regions happens while iterating.
        Errors as ``read``.
        """
        self._installation.require(language)
        recogniser = Recogniser(
            language, self.judge(language), self._timeout_s, is_unspaced(language)
        )
        builder = SectionBuilder(
            bcp47(language), "" if recogniser.unspaced else " ", recogniser.judge.knows
        )
        grey = to_grey(frame.pixels)
        finding = self._codes.begin(grey) if self._codes is not None else None
        upright = find_upright(grey, recogniser)
        view, sample = upright if upright is not None else (None, Score(0, 0))
        sparse = None
        if view is None or not _is_page(view, sample, recogniser):
            sparse = read_sparse(frame.pixels, grey, recogniser)
        if view is None and self._numbers is not None:
            dim = find_dim(grey, recogniser, self._numbers.read, self._numbers.find_lines)
            if dim is not None and (sparse is None or dim[1].value > sparse.score.value):
                view, sparse = dim[0], None
        if view is not None and (
            sparse is None or _read_all(view, recogniser).value >= _MARGIN * sparse.score.value
        ):
            height, width = view.grey.shape
            self._trace.upright(page, view)
            sections = _regions(view, recogniser, builder, page, self._numbers, self._trace)
            if sparse is not None:
                # Little text, and all of it is read by now: what a label says first depends on
                # the whole of it.
                sections = _at_once(sections)
            codes = self._found(finding, grey, view.rotation)
            size = Page(width, height, view.rotation, codes, in_parts=sparse is None)
            return PageReading(_or_nothing(sections, frame.source), size)
        if sparse is None or not sparse.is_something:
            raise NothingToRead(path=frame.source)
        width, height = sparse.page_size
        sections = _sparse(sparse, recogniser, builder, page, self._numbers, self._trace)
        codes = self._found(finding, grey, sparse.rotation)
        return PageReading(
            _or_nothing(sections, frame.source), Page(width, height, sparse.rotation, codes)
        )

    def _found(self, finding: Finding | None, grey: Grey, rotation: int) -> tuple[Code, ...]:
        """Return the codes with boxes on the upright page."""
        if self._codes is None or finding is None:
            return ()
        height, width = grey.shape
        return tuple(
            replace(code, box=_turned(code.box, width, height, rotation))
            for code in self._codes.end(finding)
        )

    def judge(self, language: str) -> Judge:
        """Return what believes or doubts words of a Tesseract language."""
        lexicons = []
        for part in language.split("+"):
            folder = self._installation.tessdata
            lexicon = load_lexicon(folder / f"{part}.traineddata") if folder else None
            if lexicon is not None:
                lexicons.append(lexicon)
        return Judge(lexicons, unspaced=is_unspaced(language))


def _or_nothing(sections: Sections, source: str) -> Sections:
    """Pass on; raise ``NothingToRead`` where all that was recognised was specks."""
    with closing(sections):
        first = next(sections, None)
        if first is None:
            raise NothingToRead(path=source)
        yield first
        yield from sections


def _at_once(sections: Sections) -> Sections:
    """Hand everything on together."""
    with closing(sections):
        everything = tuple(section for part in sections for section in part)
    if everything:
        yield everything


def _turned(box: Box, width: int, height: int, rotation: int) -> Box:
    """Turn a box clockwise by quarter turns with its picture, which is ``width`` x ``height``."""
    for _ in range(rotation // 90 % 4):
        box = Box(height - box.bottom, box.left, height - box.top, box.right)
        width, height = height, width
    return box


def _is_page(view: View, sample: Score, recogniser: Recogniser) -> bool:
    """Say whether a picture holds running text. Reads all of it where there is little."""
    if view.letters >= _LITTLE_TEXT or _is_running_text(sample):
        return True
    return _is_running_text(_read_all(view, recogniser))


def _is_running_text(score: Score) -> bool:
    return score.good >= _PAGE_GOOD and score.share >= _PAGE_SHARE


def _read_all(view: View, recogniser: Recogniser) -> Score:
    """Recognise every region of a view with little text."""
    words: list[TsvWord] = []
    for number in range(len(view.regions)):
        view.known[number] = view.read_region(number, recogniser)
        words += view.known[number].words
    return recogniser.judge.score(words)


def _regions(
    view: View,
    recogniser: Recogniser,
    builder: SectionBuilder,
    page: int,
    numbers: NumberCheck | None,
    trace: Trace,
) -> Sections:
    for read in _in_order(view, recogniser):
        words = read.words
        if not recogniser.unspaced and not read.is_final:
            words = second_look(words, read.strip.grey, recogniser)
        if numbers is not None and read.score.share < POOR_SHARE and not read.is_final:
            words = read_poor(words, read.strip.grey, recogniser, numbers.read)
        if numbers is not None:
            words = numbers.check(words, read.strip.grey)
            words = doubt_hidden(words, read.strip.grey, read.strip.letter_px)
        ink = binarise(read.strip.grey)
        trace.region(page, read, words, ink)
        lines = printed_lines(
            words,
            ink,
            recogniser.judge,
            read.strip.page_box,
            letter_px=read.strip.letter_px,
            page=page,
        )
        sections = builder.add(lines)
        if sections:
            yield sections
    sections = builder.finish()
    if sections:
        yield sections


def _in_order(view: View, recogniser: Recogniser) -> Iterator[RegionReading]:
    """Recognise the first region alone, for its sake, then the others side by side."""
    yield view.read_region(0, recogniser)
    pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="ocr")
    try:
        rest = range(1, len(view.regions))
        yield from pool.map(lambda number: view.read_region(number, recogniser), rest)
    finally:
        # Whoever stops listening does not wait: what runs ends by its own time limit.
        pool.shutdown(wait=False, cancel_futures=True)


def _sparse(
    sparse: SparseReading,
    recogniser: Recogniser,
    builder: SectionBuilder,
    page: int,
    numbers: NumberCheck | None,
    trace: Trace,
) -> Sections:
    words = sparse.words
    if numbers is not None:
        words = numbers.check(words, sparse.grey)
    trace.scattered(page, sparse, words)
    lines = printed_lines(
        words,
        binarise(sparse.grey),
        recogniser.judge,
        sparse.page_box,
        letter_px=sparse.letter_px,
        page=page,
    )
    sections = builder.add(lines, is_scattered=True) + builder.finish()
    if sections:
        yield sections
