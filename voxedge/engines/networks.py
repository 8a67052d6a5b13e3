"""How every network of the reader is run by onnxruntime, whatever it reads, says or hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Return options for a session on so many threads.

    They do not spin while they wait: a busy core is heat and a slow neighbour. What goes wrong is
    raised; onnxruntime writes nothing by itself.

    INT8 products are summed without overflow, whatever the processor. An x86-64 without VNNI adds
    two products of an 8-bit activation and an 8-bit weight in 16 bits, which overflow: the text
    encoder's prior then stands 9 dB above its error instead of 27, and melody and timing suffer
    audibly. onnxruntime has a slower way without that, which it takes only when asked, and only on
    such processors (its ``session.x64quantprecision``). An Arm processor adds in 32 bits anyway.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options
