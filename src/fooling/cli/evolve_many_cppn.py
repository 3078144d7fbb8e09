"""Evolve images painted by small networks (CPPNs) against a classifier, in several runs."""

from fooling.cli.evolving import evolve_many_command
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.settings import CppnSettings

evolve_many_cppn = evolve_many_command(
    __name__, encoding="cppn", encoding_class=CppnEncoding, settings_class=CppnSettings
)
