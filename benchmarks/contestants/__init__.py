"""The contestants, a module each, with a function ``contestant(material)``; those of other libraries import them."""
