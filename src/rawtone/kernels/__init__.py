"""What compiled kernels for CPUs are made of, and those that models learn with."""
