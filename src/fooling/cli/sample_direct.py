"""Show a network single images of uniform noise that nobody evolved."""

from fooling.cli.sampling import sample_command
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.direct_settings import DirectSettings

sample_direct = sample_command(encoding_class=DirectEncoding, settings_class=DirectSettings)
