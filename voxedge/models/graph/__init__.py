"""Surgery on ONNX graphs: find the cut of a VITS voice, part it, rewrite it without loss.

Everything there works on structure (operators and who feeds whom), never on node names, because
every exporter names its nodes differently. Beside it, graphs made anew from arrays (``builder``,
``whisper``). Needs the ``onnx`` library.
"""
