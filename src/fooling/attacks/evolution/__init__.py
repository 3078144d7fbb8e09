"""MAP-Elites over the classes of a classifier, and the searches it is compared with."""
