"""PURE. How to say it: medical notation, numbers, lexicon, segmentation, pauses."""

from voxedge.text.model import Doubt, Normalised, Span
from voxedge.text.normalise import normalise
from voxedge.text.segment import sentence_breaks, split_sentences

__all__ = ["Doubt", "Normalised", "Span", "normalise", "sentence_breaks", "split_sentences"]
