"""Plots, pictures and the listening page."""
