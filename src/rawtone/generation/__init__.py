"""Generate audio sample by sample: streams, sampling from logits, one engine per hardware."""
