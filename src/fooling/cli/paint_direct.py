"""Make random images of uniform noise a data set of fooling images that no network has selected."""

from fooling.cli.painting import paint_command
from fooling.encodings.direct import DirectEncoding
from fooling.encodings.direct_settings import DirectSettings

paint_direct = paint_command(encoding_class=DirectEncoding, settings_class=DirectSettings)
