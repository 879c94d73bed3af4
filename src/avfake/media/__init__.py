"""The only place that opens a clip: decoding, probing, faces."""
