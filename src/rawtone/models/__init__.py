"""Families of models: one file each, written with keras.ops and keras.layers only."""
