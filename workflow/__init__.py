"""What the workflow needs beside its rules; nothing of it is part of any result."""
