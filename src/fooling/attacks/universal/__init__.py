"""Universal perturbations: one small change for all images (Moosavi-Dezfooli et al. 2017)."""
