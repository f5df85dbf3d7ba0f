"""The engine for CPUs: each family's streaming form as one compiled loop over samples."""
