"""The working day a second time, written apart from the services: only from the pages about the day and about `fold`.

It imports no service code. What it says is compared with what the services say (`python -m reference.compare`).
"""
