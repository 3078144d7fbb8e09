"""Evolve images pixel by pixel (direct encoding) that a classifier takes for its classes."""

from fooling.cli.evolving import evolve_command
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.direct_settings import DirectSettings

evolve_direct = evolve_command(
    __name__, encoding="direct", encoding_class=DirectEncoding, settings_class=DirectSettings
)
