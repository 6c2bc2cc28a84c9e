"""`wslab watch`: where the learners of a room are, by their progress files."""
