"""Judge a voice against its original: is the light one still as good, and still understood?

``sentences`` are the project's own 100 (40 of them doses); ``render`` speaks them with both
voices; ``metrics`` and ``recogniser`` measure; ``scoring`` makes one table with confidence
intervals and a verdict; ``report`` writes the WAV files and a page to look at and listen to.
"""
