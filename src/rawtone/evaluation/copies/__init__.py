"""Which passage of the training recordings a clip is most like, and whether it is a copy of it."""
