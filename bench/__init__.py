"""Benchmarks, run by `make bench`. They measure; they judge nothing."""
