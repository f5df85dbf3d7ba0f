"""Samples, codes, levels and ffmpeg; numpy only, knowing nothing of the rest of rawtone."""
