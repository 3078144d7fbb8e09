"""Evolve images painted by small networks in several runs, without controls, that differ in their seeds alone."""

from fooling.cli.evolving import evolve_many_command
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.settings import CppnSettings

evolve_many_cppn = evolve_many_command(
    __name__, encoding="cppn", encoding_class=CppnEncoding, settings_class=CppnSettings
)
