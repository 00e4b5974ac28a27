"""Nuki smart locks with a keypad, through Nuki Web's API."""
