"""Ablation: the repeated elements of an image, and the image without some of them."""
