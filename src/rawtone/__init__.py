"""Train neural networks to generate raw audio on your own recordings, reproducibly."""
