"""What holds for every test."""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
"""CI judges a change, not its luck; other runs look for new examples."""
if os.environ.get("CI"):
    settings.load_profile("ci")
