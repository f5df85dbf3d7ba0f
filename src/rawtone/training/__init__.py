"""Training that can be stopped anywhere: the loop, the batch order, checkpoints, the log."""
