"""Adversarial examples: small changes of real images that make a classifier wrong."""
