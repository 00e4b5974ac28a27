"""Locks of TTLock's open platform, version 3, through its cloud and gateways."""
