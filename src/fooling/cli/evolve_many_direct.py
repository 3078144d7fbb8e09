"""Evolve images pixel by pixel in several runs, without controls, that differ in their seeds alone."""

from fooling.cli.evolving import evolve_many_command
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.direct_settings import DirectSettings

evolve_many_direct = evolve_many_command(
    __name__, encoding="direct", encoding_class=DirectEncoding, settings_class=DirectSettings
)
