"""Facts derived from the record and the lines, one module for each part of the vocabulary."""
