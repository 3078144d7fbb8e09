"""Show a network single images painted by random CPPNs that nobody evolved."""

from fooling.cli.sampling import sample_command
from fooling.encodings.cppn.encoding import CppnEncoding
from fooling.encodings.cppn.settings import CppnSettings

sample_cppn = sample_command(encoding_class=CppnEncoding, settings_class=CppnSettings)
