"""The CPPN encoding: small networks that paint an image from pixel positions."""
