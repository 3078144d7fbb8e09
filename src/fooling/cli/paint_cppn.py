"""Make random images painted by random CPPNs a data set of fooling images that no network has selected."""

from fooling.cli.painting import paint_command
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.settings import CppnSettings

paint_cppn = paint_command(encoding_class=CppnEncoding, settings_class=CppnSettings)
