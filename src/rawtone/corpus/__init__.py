"""Where recordings come from and how they become training material."""
