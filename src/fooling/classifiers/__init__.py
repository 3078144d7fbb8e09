"""Classifiers: networks with their preprocessing, training and files."""
