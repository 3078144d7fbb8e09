"""The human study: which images people are shown, how they are asked, and what their answers say."""
