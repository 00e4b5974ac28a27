"""Whether a text shows a PIN."""

import re


def shows(text: str, pin: str) -> bool:
    """As a word of its own: ids, instants and addresses hold any four digits now and then."""
    return re.search(rf"\b{pin}\b", text) is not None
