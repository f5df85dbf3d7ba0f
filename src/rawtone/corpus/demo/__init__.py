"""The built-in demo: tunes in the public domain, played by a small synthesizer of ours."""
