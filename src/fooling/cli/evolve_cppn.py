"""Evolve images painted by small networks (CPPN encoding) that a classifier takes for its classes."""

from fooling.cli.evolving import evolve_command
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.settings import CppnSettings

evolve_cppn = evolve_command(__name__, encoding="cppn", encoding_class=CppnEncoding, settings_class=CppnSettings)
