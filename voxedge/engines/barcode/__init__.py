"""Barcodes and matrix codes: zxing-cpp behind a deadline."""
