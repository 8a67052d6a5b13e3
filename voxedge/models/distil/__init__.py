"""Distil a voice: one light network in place of a VITS voice's flow and decoder.

Teacher pairs (``corpus``, ``teacher``, ``pitch``) -> training (``network``, ``losses``, ``train``)
-> ONNX graphs of any precision (``graph``, ``quantize``) -> the cheapest mix of precisions that
still sounds right (``sensitivity``) -> a folder the engine loads (``package``).

Only training needs PyTorch (the optional extra ``build``); everything else runs on the device.
"""
