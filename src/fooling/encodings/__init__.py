"""Encode images as genomes: how a genome becomes an image, and how genomes vary."""
