"""`huizhi demo`: 714 queries over each tier, 713 answers."""

from tests.acceptance.exchange import Exchange


async def test_the_demonstration_ends_with_713_of_714_on_both_tiers(neighbour: Exchange) -> None:
    """On the stack that is up, which it uses; its status is 0 or `huizhi` fails here."""
    before = await neighbour.see("rate")

    await neighbour.huizhi("demo")

    rate = await neighbour.see("rate")
    for tier in ("national", "provincial"):
        for name, count in (("received", 714), ("answered", 713), ("unanswered", 1)):
            assert rate["tiers"][tier][name] - before["tiers"][tier][name] == count
    await neighbour.conserves()
