"""Gradient ascent: images climb the network's own gradient until it takes them for a class."""
