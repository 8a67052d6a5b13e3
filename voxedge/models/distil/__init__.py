"""Distil a voice: one light network in place of a VITS voice's flow and decoder.

Teacher pairs (``corpus``, ``teacher``, ``pitch``) -> training (``network``, ``losses``, ``train``,
``prune``) -> ONNX graphs of any precision (``graph``), as many layers in INT8 as still
sound right (``quantize``) -> beside it the voice's own text encoder, written anew (``encoder``,
``durations``) -> a folder the engine loads (``package``, ``recipe``).

Only training needs PyTorch (the optional extra ``build``); everything else runs on the device.
"""
