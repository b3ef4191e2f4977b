"""Every SDK of this environment: usage and cost are those of the payload, in every call shape.

Not where an SDK is so old that it drops what the payload says: boto3 1.35 the counts of the cache, writer-sdk 1.0 the
end of a stream.
"""

from __future__ import annotations

import pytest
from adapters.environments import ENVIRONMENTS, NAME
from usage_table import lines

from conformance.sdks import ROWS

pytestmark = pytest.mark.filterwarnings("ignore")  # the SDKs' own
HERE = [row for row in ROWS if row.name in ENVIRONMENTS[NAME].sdks]


@pytest.mark.parametrize("row", HERE, ids=lambda row: row.name)
def test_usage_and_cost_are_the_payloads_in_every_shape(row):
    assert [line for line in lines(row) if not line.equal] == []
