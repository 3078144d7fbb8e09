"""Retraining with a fooling class: networks that learn from the images that fooled those before them (Fig. 11)."""
