"""The benches that take long even in a small size run: `make try-benches`. No time is asserted, and nothing is written down."""

from e2e_tests.bench.catalogue import Bench
from e2e_tests.bench.stand import Stand
from e2e_tests.bench.test_bench import measures, small, small_ones

__all__ = ["small", "test_a_bench_measures_in_a_small_size"]


@small_ones(among_tests=False)
async def test_a_bench_measures_in_a_small_size(small: Stand, bench: Bench) -> None:
    await measures(small, bench)
