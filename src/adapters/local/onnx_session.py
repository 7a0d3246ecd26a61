"""How a small network runs here: one core a call, because calls run side by side."""

import onnxruntime


def one_core_session(model: str | bytes) -> onnxruntime.InferenceSession:
    """A network from a file's path or its bytes, on the processor.

    Raises:
        Exception: it cannot be read; the runtime's errors have no common class.
    """
    options = onnxruntime.SessionOptions()
    # More threads would only spin against those of the other calls.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
