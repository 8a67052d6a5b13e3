"""Surgery on ONNX graphs: find the cut of a VITS voice, part it, rewrite it without loss.

Everything here works on structure (operators and who feeds whom), never on node names, because
every exporter names its nodes differently. Needs the ``onnx`` library; used once after a fetch.
"""
