"""All parsers under fire."""

from . import calls, devices, events, words

TARGETS = (*words.TARGETS, *devices.TARGETS, *events.TARGETS, *calls.TARGETS)
