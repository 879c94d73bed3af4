"""The detector as an ONNX file, for scoring without torch."""
