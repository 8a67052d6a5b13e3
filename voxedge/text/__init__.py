"""PURE. How to say it: medical notation, numbers, lexicon, segmentation, pauses."""

from voxedge.text.clauses import first_clause, split_clauses
from voxedge.text.lexicon import Lexicon, parse_lexicon
from voxedge.text.model import Doubt, Normalised, Span
from voxedge.text.normalise import normalise
from voxedge.text.pauses import pause_after_ms
from voxedge.text.segment import sentence_breaks, split_sentences
from voxedge.text.spell import spell

__all__ = [
    "Doubt",
    "Lexicon",
    "Normalised",
    "Span",
    "first_clause",
    "normalise",
    "parse_lexicon",
    "pause_after_ms",
    "sentence_breaks",
    "spell",
    "split_clauses",
    "split_sentences",
]
