"""The port through which use cases write down what was done."""

from typing import Protocol


class Recording(Protocol):
    """A transaction that writes into the audit what is done in it."""

    def record(
        self,
        action: str,
        resource: str,
        rule: str | None = None,
        before: object | None = None,
        after: object | None = None,
        body: str | None = None,
        region: str | None = None,
    ) -> None:
        """Writes down what was done to `resource`, on the ground of `rule`; of the states before and after, dataclasses, digests alone.

        The record is seen by the auditors of `body`, where neither the resource's name nor the caller's grants say whose it is; where
        `region` is given, by those of the region and the nation alone, whatever body it is about.
        """
