"""Readers of AIA image files: each gives an 8-bit `Picture` or one of `ingest.images.errors`."""
