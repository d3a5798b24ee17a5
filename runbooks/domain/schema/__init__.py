"""What a definition may say: the published JSON Schema, its problems as sentences, and the sense of what fits it."""
