"""Complete, commented experiment files: published recipes, and sizes for CPUs."""
