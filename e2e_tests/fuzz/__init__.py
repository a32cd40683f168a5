"""Whatever comes from outside is read or refused: every parser is given what nobody would send, `make fuzz` for as long as one likes."""
