"""Ways to find images that a classifier is wrong about, one class each, behind one protocol."""
