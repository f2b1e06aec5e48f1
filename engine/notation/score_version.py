"""The version of compiled scores, by itself so that opening a cached one imports nothing heavy."""

COMPILER_VERSION = 16
"""Part of the cache's key: raised with every change of what a compiled score holds."""
