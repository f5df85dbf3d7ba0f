"""Whether this machine came to the recorded results, and if not, how far it is from them."""
