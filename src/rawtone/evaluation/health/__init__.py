"""What is wrong with a clip, in a musician's words, measured against the corpus's own chunks."""
