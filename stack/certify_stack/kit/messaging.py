"""A service's side of the broker: the parts that run while it serves, and what readiness says of each."""

from certify_stack.kit.background import Supervised
from certify_stack.kit.broker import BrokerProbe
from certify_stack.kit.consumer import Consumer
from certify_stack.kit.health import Trouble
from certify_stack.kit.relay import Relay
from certify_stack.kit.revocation_feed import RevocationFeed
from certify_stack.kit.runtime import Runtime


class Messaging:
    """Relay, consumer, what auth revokes, and the probe of the broker. A service that was told no broker has none of these."""

    def __init__(self, runtime: Runtime) -> None:
        self.tasks: list[Supervised] = []
        self.apart: dict[str, Trouble] = {}
        self.stored: dict[str, Trouble] = {}
        self.relay: Relay | None = None
        self.consumer: Consumer | None = None
        self._probe: BrokerProbe | None = None
        if runtime.settings.broker:
            self._add(runtime, runtime.settings.broker)

    async def close(self) -> None:
        """Drop the probe's connection."""
        if self._probe is not None:
            await self._probe.close()

    def _add(self, runtime: Runtime, bootstrap: str) -> None:
        self._probe = BrokerProbe(bootstrap, runtime.service.name)
        self.apart["broker"] = self._probe.trouble
        self.relay = relay = Relay(runtime, bootstrap)
        relaying = Supervised("relay", relay.run)
        self.tasks.append(relaying)

        async def relay_trouble() -> str | None:
            return relaying.dead() or relay.trouble or await relay.late()

        self.stored["relay"] = relay_trouble
        feed = RevocationFeed(runtime.revocations, bootstrap, runtime.service.name)
        hearing = Supervised("revocations", feed.run)
        self.tasks.append(hearing)

        async def feed_trouble() -> str | None:
            return hearing.dead() or feed.trouble

        self.apart["revocations"] = feed_trouble
        if runtime.service.subscription is None:
            return
        self.consumer = consumer = Consumer(runtime, runtime.service.subscription, bootstrap)
        consuming = Supervised("consumer", consumer.run)
        self.tasks.append(consuming)

        async def consumer_trouble() -> str | None:
            return consuming.dead() or consumer.trouble

        self.apart["consumer"] = consumer_trouble
