"""Every operation that botocore knows: a minimal and a full request of botocore's serializer."""

import pytest
from every_operation import judged, services

PARTS = 24


@pytest.mark.contract
@pytest.mark.parametrize("part", range(PARTS))
def test_what_botocore_serialized_is_decoded(part: int) -> None:
    surprises = [
        f"{service}.{one.made.operation.name} ({one.made.protocol}, full: {one.made.full}): "
        f"{'parameters' if one.named else 'name'}"
        for service in services()[part::PARTS]
        for one in judged(service)
        if not one.equal and not one.reason
    ]

    assert surprises == []
