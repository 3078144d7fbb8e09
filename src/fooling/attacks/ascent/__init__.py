"""Gradient ascent on the confidence of a classifier in a class."""
