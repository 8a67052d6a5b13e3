"""Distil the text encoder too: phonemes to prior and durations, by convolutions over pairs.

Half of a light voice's work, and nearly all of the wait for its first sound, was the original's
text encoder. It is a function of a few dozen tokens, which another network learns within an hour
of a core or two: ``pairs`` (what the teacher answers), ``network`` and ``train`` (PyTorch),
``shape`` and ``graph`` (files and ONNX, no PyTorch).
"""
