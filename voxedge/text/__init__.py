"""PURE. How to say it: medical notation, numbers, lexicon, segmentation, pauses."""
