"""One module a verb of the flow: files in, files out."""
