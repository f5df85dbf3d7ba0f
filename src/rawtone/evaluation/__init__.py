"""What a model learned, in figures: bits, baselines, and what its clips sound like."""
