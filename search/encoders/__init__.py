"""The encoders: photos to embeddings, each described by a card and opened by name.

Every module in this folder is light to import; torch is only ever loaded in a child process, ONNX Runtime when an
encoder is opened. Knows nothing of stores, items or settings.
"""
