"""The router's own settings, prefix ``HUIZHI_ROUTER_``."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.router.placing import RECEIPT_PATIENCE_S
from services.runtime.settings import BatchSettings


class RouterSettings(BaseSettings):
    """How much a router has in hand, and how often it looks at what is parked."""

    model_config = SettingsConfigDict(env_prefix="HUIZHI_ROUTER_", frozen=True, extra="ignore")

    # A delivery of the dispatch queue is itself a batch of some hundred messages.
    batches_at_once: int = Field(default=2, ge=1, le=100)
    prefetch: int = Field(default=8, ge=1, le=1000)
    sweep_interval_s: float = Field(default=30.0, gt=0, le=3600)
    receipt_patience_s: float = Field(default=RECEIPT_PATIENCE_S, ge=0, le=86_400)

    def batches(self) -> BatchSettings:
        """As the pump takes them. A batch that is there does not wait for another one."""
        return BatchSettings(size=self.batches_at_once, linger_ms=0, HUIZHI_PREFETCH=self.prefetch)
