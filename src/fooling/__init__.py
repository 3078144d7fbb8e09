"""A reproducible study of how easily deep neural networks are fooled."""

__version__ = "0.1.0"
