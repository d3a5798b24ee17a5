"""Text into a tree of plain values and back, with the place of everything in it: YAML and JSON, read strictly."""
