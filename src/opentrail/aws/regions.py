"""The names of AWS's regions, in every partition; the authority is botocore's data."""

from __future__ import annotations

from functools import lru_cache

from opentrail.aws.models import partitions


@lru_cache(maxsize=1)
def aws_regions() -> frozenset[str]:
    """Every region's name."""
    return frozenset(
        name
        for partition in partitions()
        for name in partition["regions"]
        if not name.endswith("-global")
    )
