"""What the drivers of lock clouds share: HTTP, tokens, positions for the clouds' codes."""
