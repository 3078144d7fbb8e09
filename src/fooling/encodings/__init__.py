"""Encodings: how a genome becomes an image, and how genomes vary."""
